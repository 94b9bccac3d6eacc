#pragma once

#include <utility>

#include "braid/loop/detail/close_outcome.hpp"
#include "braid/loop/io_sender.hpp"

namespace braid {

/// The owner of an open descriptor. Files and sockets are made of it.
///
///     descriptor log_file(::open("/tmp/log", O_WRONLY | O_CLOEXEC));
///     co_await log_file.close();
///
/// Lifetime  the destructor closes the descriptor without waiting: the current loop cancels the requests in
///           flight on it and closes it once they have ended.
/// Threads   one loop's thread at a time. It may move to another while nothing is in flight on it.
class descriptor {
 public:
  descriptor() = default;
  /// Adopts an open descriptor.
  explicit descriptor(int number) noexcept : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    if (number_ >= 0) close_detached(number_);
  }

  /// -1 when nothing is open.
  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
  /// Leaves the descriptor to the caller, which closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

  /// Cancels the requests in flight on the descriptor, waits until they have ended, then closes it. So no
  /// old request can reach the next descriptor that gets this number.
  /// Errors  those of close(2); bad_file_descriptor when it is closed already.
  /// Cancel  ignored: a close that has begun goes through.
  [[nodiscard]] auto close() noexcept {
    request what{.code = opcode::cancel_descriptor, .descriptor = number_};
    return io_sender<detail::close_outcome>{what, detail::close_outcome(release())};
  }

 private:
  int number_ = -1;
};

/// Closes a descriptor without waiting. The current loop first cancels the requests in flight on it; where
/// nothing is in flight, or without a loop, it is closed at once.
///
///     close_detached(::dup(2));
void close_detached(int descriptor) noexcept;

}  // namespace braid
