#pragma once

#include <cerrno>
#include <utility>

#include "braid/loop/direct_calls.hpp"
#include "braid/loop/io_sender.hpp"

namespace braid {

/// Closes a descriptor without waiting: behind what its loop has begun, or at once where there is no loop.
void close_detached(int descriptor) noexcept;

namespace detail {

// First cancels what is in flight on the descriptor, until there is none; then closes it.
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
    if (ended == -EINTR) ended = 0;  // Linux has closed it all the same
    if (ended == -ECANCELED)
      // the loop is ending: nothing is in flight any more
      ended = direct_calls::current().close(what.descriptor);
    descriptor_ = -1;
    return false;
  }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }

 private:
  int descriptor_;
};

}  // namespace detail

/// An open descriptor and its end. What files and sockets are made of.
///
/// Lifetime  the destructor closes, without waiting, behind what the current loop has begun.
/// Threads   used on one loop's thread at a time; may be moved to another while nothing is in flight on it.
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

  /// -1 when there is none.
  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
  /// Gives the number away: the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

  /// Cancels what is in flight on the descriptor and waits for its end, so that nothing meets the next
  /// descriptor of this number; then closes it.
  /// Errors  those of close(2); bad_file_descriptor when it is closed already.
  /// Cancel  not: a close that has begun goes through.
  [[nodiscard]] auto close() noexcept {
    request what{.code = opcode::cancel_descriptor, .descriptor = number_};
    return io_sender<detail::close_outcome>{what, detail::close_outcome(release())};
  }

 private:
  int number_ = -1;
};

}  // namespace braid
