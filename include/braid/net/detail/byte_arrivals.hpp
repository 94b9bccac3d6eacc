#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/pinned.hpp"
#include "braid/base/result.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/net/leased_bytes.hpp"

namespace braid::tcp::detail {

// The state of an incoming_bytes: its request, and the buffers that no next has taken yet. It outlives the
// incoming_bytes until the kernel is done with the request.
class byte_arrivals;
struct leave_byte_arrivals {
  void operator()(byte_arrivals* which) const noexcept;
};

// A next() that waits. The loop finishes it as ready work.
class byte_waiter : protected operation_base, protected braid::cancellation {
 public:
  using value = std::optional<leased_bytes>;

 protected:
  byte_waiter(byte_arrivals& from, finish_fn& on_finish) noexcept : operation_base(on_finish), from_(&from) {}
  ~byte_waiter();

  void ask() noexcept;
  [[nodiscard]] result<value> ended() noexcept;
  static void on_stop(braid::cancellation& base) noexcept;

 private:
  friend class byte_arrivals;
  static constexpr int second_next = -1;  // no errno

  // The first members fit into the padding of cancellation.
  bool waits_ = false;
  int code_ = 0;  // once it is handed its result. 0 and no bytes: the end; else an errno, or second_next
  union {
    byte_arrivals* from_;
    int descriptor_;  // once code_ is set
  };
  leased_bytes bytes_;
};

// Calls Waiter::on_wake() when the next() has ended.
template <class Waiter>
class byte_waiter_for : protected byte_waiter {
 protected:
  explicit byte_waiter_for(byte_arrivals& from) noexcept : byte_waiter(from, on_finish) {}
  void begin(stop_token token) noexcept {
    ask();
    arm<on_stop, on_late_stop>(token);
  }

 private:
  // Not noexcept, so that the resumption of a coroutine compiles to a jump.
  static void on_finish(operation_base& base, completion) {
    auto& self = static_cast<byte_waiter_for&>(base);
    if (self.disarm()) static_cast<Waiter&>(self).on_wake();
  }
  static void on_late_stop(braid::cancellation& base) noexcept {
    static_cast<Waiter&>(static_cast<byte_waiter_for&>(base)).on_wake();
  }
};

template <class R>
class byte_state final : byte_waiter_for<byte_state<R>> {
 public:
  byte_state(byte_arrivals& from, R receiver) noexcept
      : byte_waiter_for<byte_state>(from), receiver_(std::move(receiver)) {}
  void start() noexcept {
    if (loop::current_or_null() == nullptr) [[unlikely]]
      return std::move(receiver_).finish(braid::no_loop_error("incoming_bytes::next"));
    this->begin(receiver_.get_stop_token());
  }

 private:
  friend byte_waiter_for<byte_state>;
  void on_wake() noexcept {
    R receiver = std::move(receiver_);
    std::move(receiver).finish(this->ended());
  }
  R receiver_;
};

// The awaiter of a coroutine.
class byte_awaiter final : byte_waiter_for<byte_awaiter> {
 public:
  explicit byte_awaiter(byte_arrivals& from) noexcept : byte_waiter_for(from) {}
  [[nodiscard]] bool await_ready() const {
    if (loop::current_or_null() == nullptr) [[unlikely]]
      braid::no_loop_error("incoming_bytes::next").rethrow();
    return false;
  }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    awaiting_ = awaiting;
    begin(awaiting.promise().get_stop_token());
  }
  [[nodiscard]] value await_resume() { return ended().value(); }

 private:
  friend byte_waiter_for;
  void on_wake() const { awaiting_.resume(); }
  std::coroutine_handle<> awaiting_;
};

struct byte_sender {
  using sender_concept = sender_tag;
  using value_type = byte_waiter::value;
  byte_arrivals* from;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && noexcept {
    return byte_state<R>(source(), std::move(receiver));
  }
  // For a coroutine's promise.
  auto awaited_by(auto&) && noexcept { return byte_awaiter(source()); }

 private:
  [[nodiscard]] byte_arrivals& source() const noexcept {
    if (from == nullptr) braid::detail::misused("incoming_bytes::next: the incoming_bytes was moved from");
    return *from;
  }
};

}  // namespace braid::tcp::detail
