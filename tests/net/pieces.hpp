#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "braid/base/error.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/task.hpp"

namespace braid_tests {

/// A stream whose bytes arrive in the given pieces, each a turn of the loop later. Then it ends, or fails.
struct pieces {
  std::vector<std::string> left;
  std::optional<braid::error> failure = std::nullopt;
  std::size_t reads = 0;

  braid::task<std::size_t> read_some(braid::writable_bytes to) {
    ++reads;
    co_await braid::yield();
    if (left.empty() && failure) failure->rethrow();
    if (left.empty()) co_return 0;
    std::string& first = left.front();
    const std::size_t got = std::min(first.size(), to.size());
    std::memcpy(to.data(), first.data(), got);
    first.erase(0, got);
    if (first.empty()) left.erase(left.begin());
    co_return got;
  }
};

/// A stream that takes `at_once` bytes a turn, and fails after `most`.
struct sink {
  std::string got;
  std::size_t at_once = 3;
  std::size_t most = static_cast<std::size_t>(-1);
  std::size_t writes = 0;

  braid::task<> write_all(braid::readable_bytes from) {
    ++writes;
    const std::string_view bytes(static_cast<const char*>(from.data()), from.size());
    for (std::size_t done = 0; done < bytes.size();) {
      std::optional<braid::error> failed;
      try {
        co_await braid::yield();
      } catch (...) {
        failed = braid::error::current();
      }
      if (!failed && got.size() >= most) failed = braid::error(std::errc::no_space_on_device);
      if (failed) {
        failed->set_transferred(done);
        failed->rethrow();
      }
      const std::string_view part = bytes.substr(done, std::min(at_once, most - got.size()));
      got += part;
      done += part.size();
    }
  }
};

/// Both in one: a byte_stream.
struct both_ways : pieces, sink {};

}  // namespace braid_tests
