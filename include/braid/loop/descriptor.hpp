#pragma once

#include <cerrno>
#include <utility>

#include "braid/loop/direct_calls.hpp"
#include "braid/loop/io_sender.hpp"

namespace braid {

/// Closes a descriptor without waiting. The current loop first cancels the requests in flight on it; where
/// nothing is in flight, or without a loop, it is closed at once.
void close_detached(int descriptor) noexcept;

namespace detail {

// Cancels the requests in flight on the descriptor until none is left, then closes it.
class close_outcome {
 public:
  using value_type = void;
  static constexpr io_hooks hooks{.again = true, .unstoppable = true};
  explicit close_outcome(int descriptor) noexcept : descriptor_(descriptor) {}
  close_outcome(close_outcome&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  close_outcome& operator=(close_outcome&&) = delete;
  ~close_outcome() {
    if (descriptor_ >= 0) close_detached(descriptor_);  // the sender was never started
  }

  static constexpr const char* name() noexcept { return "close"; }
  [[nodiscard]] bool again(std::int32_t& ended, request& what) noexcept {
    if (what.code == opcode::cancel_descriptor) {
      if (ended != -ECANCELED && ended <= 0 && ended != -EALREADY) what.code = opcode::close;
      if (ended != -ECANCELED) return true;
    }
    if (ended == -EINTR) ended = 0;  // Linux closes the descriptor although close(2) reports EINTR
    if (ended == -ECANCELED)
      // the loop is ending, and nothing is in flight any more
      ended = direct_calls::current().close(what.descriptor);
    descriptor_ = -1;
    return false;
  }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }

 private:
  int descriptor_;
};

}  // namespace detail

/// The owner of an open descriptor. Files and sockets are made of it.
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
  /// Gives up ownership: the caller closes the descriptor.
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

}  // namespace braid
