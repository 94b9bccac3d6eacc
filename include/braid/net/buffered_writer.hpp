#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/base/result.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/net/byte_stream.hpp"
#include "braid/net/detail/one_at_a_time.hpp"
#include "braid/net/gathered_bytes.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// Collects small writes, and writes them to a stream together: when `room` bytes have come together, and in
/// flush().
///
///     tcp::stream peer = co_await tcp::connect(endpoint::loopback(8080));
///     buffered_writer to(peer);
///     for (const char* word : {"one ", "two ", "three\n"}) co_await to.write_all(word);
///     co_await to.flush();  // one system call
///
/// Lifetime  the stream outlives it. Its end drops what was not flushed, since a destructor cannot wait.
/// Threads   its loop's; one operation at a time.
/// Errors    those of the stream. error::transferred() of write_all says how many of its bytes were accepted:
///           they are written, or in the writer. std::logic_error for a second operation at a time.
/// Cancel    no byte is lost or doubled: what was not written stays in the writer, for the next flush.
/// Cost      the room, allocated with the first write. A write that fits makes no system call.
template <writable S>
class buffered_writer : pinned {
 public:
  explicit buffered_writer(S& to, std::size_t room = 4096) noexcept : to_(to), room_(room) {}

  /// Accepts the bytes. What would overflow the room is written first; what does not fit into the empty room
  /// is written without a copy.
  /// Lifetime  the bytes stay alive until the operation has ended.
  [[nodiscard]] task<> write_all(readable_bytes from) {
    const auto alone = begin();
    if (fits(from))
      hold(from);
    else
      co_await write_past(from);
  }
  /// Accepts several pieces of memory, one after the other.
  [[nodiscard]] task<> write_all(gathered_bytes from) {
    const auto alone = begin();
    std::size_t done = 0;
    for (const readable_bytes& each : from.pieces()) {
      if (fits(each)) {
        hold(each);
      } else {
        auto writing = as_result(write_past(each));
        const result<void> ended = co_await std::move(writing);
        if (!ended) {
          error failed = ended.error();
          failed.set_transferred(done + failed.transferred());
          failed.rethrow();
        }
      }
      done += each.size();
    }
  }

  /// Writes all that was accepted.
  [[nodiscard]] task<> flush() {
    const auto alone = begin();
    co_await write_held();
  }

  /// How many bytes were accepted and not written.
  [[nodiscard]] std::size_t held() const noexcept { return held_.size(); }

 private:
  [[nodiscard]] detail::one_at_a_time begin() {
    return detail::one_at_a_time(busy_, "buffered_writer: one operation at a time");
  }
  [[nodiscard]] bool fits(readable_bytes from) const noexcept { return from.size() <= room_ - held_.size(); }
  void hold(readable_bytes from) {
    if (held_.capacity() < room_) held_.reserve(room_);
    held_.append(static_cast<const char*>(from.data()), from.size());
  }
  task<> write_past(readable_bytes from) {
    co_await write_held();
    if (fits(from))
      hold(from);
    else
      co_await to_.write_all(from);
  }
  task<> write_held() {
    if (held_.empty()) co_return;
    auto writing = as_result(to_.write_all(held_));
    const result<void> ended = co_await std::move(writing);
    if (ended) {
      held_.clear();
      co_return;
    }
    held_.erase(0, ended.error().transferred());
    error failed = ended.error();
    failed.set_transferred(0);  // of the bytes of this call
    failed.rethrow();
  }

  S& to_;
  const std::size_t room_;
  std::string held_;
  bool busy_ = false;
};

}  // namespace braid
