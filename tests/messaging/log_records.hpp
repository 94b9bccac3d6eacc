#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "braid/messaging/log.hpp"
#include "braid/style/task.hpp"

namespace braid_tests {

/// What a reader got: the records by number, and the messages of what was damaged.
struct log_contents {
  std::map<std::uint64_t, std::string> records;
  std::vector<std::string> damaged;
  bool in_order = true;
};

inline braid::task<log_contents> contents_of(const braid::messaging::log& from, std::uint64_t first) {
  log_contents found;
  std::uint64_t last = 0;
  auto all = from.read(first);
  for (;;) {
    auto each = co_await all.next();
    if (!each) break;
    if (!*each) {
      found.damaged.push_back(each->error().message());
      continue;
    }
    braid::messaging::log_record& one = each->value();
    found.in_order = found.in_order && one.sequence > last;
    last = one.sequence;
    found.records.emplace(one.sequence, std::move(one.bytes));
  }
  co_return found;
}
inline braid::task<log_contents> contents_of(const braid::messaging::log& from) {
  return contents_of(from, from.first());
}

/// The body of the n-th record of a test: some hundred bytes that differ from each other's.
inline std::string nth_body(std::uint64_t n, std::size_t size = 100) {
  std::string body(size, static_cast<char>('a' + n % 26));
  return body.replace(0, std::min(size, std::to_string(n).size()), std::to_string(n).substr(0, size));
}

/// The numbers and bodies are those of nth_body from 1 to last, and none is missing.
inline bool is_prefix(const log_contents& found, std::uint64_t last, std::size_t size = 100) {
  if (!found.damaged.empty() || !found.in_order || found.records.size() != last) return false;
  for (const auto& [sequence, body] : found.records)
    if (sequence > last || body != nth_body(sequence, size)) return false;
  return true;
}

}  // namespace braid_tests
