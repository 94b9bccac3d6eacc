#pragma once

#include <coroutine>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/style/detail/async_generator_promise.hpp"

namespace braid {

/// A coroutine that may await and co_yields its elements one by one, each when next() asks for it.
///
///     async_generator<std::string> parts_of(file from) {
///       std::array<char, 512> part;
///       while (const std::size_t got = co_await from.read_some(part))
///         co_yield std::string(part.data(), got);
///     }
///     auto parts = parts_of(co_await open_file("/etc/hosts"));
///     while (const auto part = co_await parts.next()) log(*part);
///
/// Lifetime  owns its coroutine frame; destroying it half-way destroys the locals. It must outlive the
///           senders of next() that have not begun. If it is destroyed while a next() is in flight, the
///           frame lives until that next() has ended.
/// Threads   each next() runs the coroutine on the waiter's loop. The waiter resumes on that loop, wherever
///           the coroutine has moved meanwhile.
/// Errors    an exception is the result of one next() and ends the generator. next() throws
///           std::logic_error if the generator was moved from, or if its loop ended during a next().
/// Cancel    the waiter's stop token reaches every await up to the next co_yield. A generator that yields in
///           spite of a stop request completes that next() with the element. After it has ended as
///           cancelled, every later next() fails as cancelled, because not all elements were read. A
///           generator that catches the cancellation continues.
/// Cost      one block of the frame pool; nothing per element. A next() that completes at once is two
///           calls.
template <class T>
class [[nodiscard]] async_generator {
  static_assert(std::is_object_v<T> && std::is_same_v<T, std::remove_cv_t<T>> &&
                    std::is_move_constructible_v<T>,
                "an async_generator yields values that can be moved: for a reference, yield a pointer");

 public:
  using promise_type = detail::async_generator_promise<T>;

  async_generator(async_generator&& other) noexcept : async_generator(std::exchange(other.frame_, nullptr)) {}
  async_generator& operator=(async_generator other) noexcept {
    std::swap(frame_, other.frame_);
    adopt();
    other.adopt();
    return *this;
  }
  ~async_generator() {
    if (frame_) frame_.promise().lose_owner();
  }

  /// A sender of std::optional<T>: the next element, or empty at the end and at every later call. Only one
  /// next() may be in flight: a second one fails with std::logic_error.
  [[nodiscard]] auto next() {
    if (!frame_) throw std::logic_error("async_generator::next: there is no generator; was it moved from?");
    return detail::next_sender<T>{frame_};
  }

 private:
  friend promise_type;
  explicit async_generator(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) { adopt(); }
  void adopt() noexcept {
    if (frame_) frame_.promise().belong_to(*this);
  }
  std::coroutine_handle<promise_type> frame_;
};

template <class T>
async_generator<T> detail::async_generator_promise<T>::get_return_object() noexcept {
  return async_generator<T>(handle::from_promise(*this));
}

}  // namespace braid
