#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "braid/loop/bytes.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"

namespace braid_tests {

/// One end of a connection within the program. It takes all that is written, and gives at most `at_once`
/// bytes.
class memory_stream {
  struct one_way {
    std::string bytes;
    bool ended = false;
    braid::auto_reset_event changed;
  };

 public:
  static std::pair<memory_stream, memory_stream> pair(std::size_t at_once) {
    auto there = std::make_shared<one_way>(), back = std::make_shared<one_way>();
    return {memory_stream(back, there, at_once), memory_stream(there, back, at_once)};
  }

  braid::task<std::size_t> read_some(braid::writable_bytes to) {
    one_way& from = *in_;
    while (from.bytes.empty() && !from.ended) co_await from.changed.wait();
    const std::size_t got = std::min({from.bytes.size(), to.size(), at_once_});
    if (got != 0) std::memcpy(to.data(), from.bytes.data(), got);
    from.bytes.erase(0, got);
    co_return got;
  }
  braid::task<> write_all(braid::readable_bytes from) {
    out_->bytes.append(static_cast<const char*>(from.data()), from.size());
    out_->changed.set();
    co_return;
  }
  braid::task<> shutdown_send() {
    out_->ended = true;
    out_->changed.set();
    co_return;
  }

 private:
  memory_stream(std::shared_ptr<one_way> in, std::shared_ptr<one_way> out, std::size_t at_once)
      : in_(std::move(in)), out_(std::move(out)), at_once_(at_once) {}
  std::shared_ptr<one_way> in_, out_;
  std::size_t at_once_;
};

}  // namespace braid_tests
