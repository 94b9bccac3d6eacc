#pragma once

#include <cstdint>
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
class byte_waiter : operation_base, braid::cancellation {
 public:
  using value = std::optional<leased_bytes>;

 protected:
  using wake_fn = void(byte_waiter&) noexcept;
  byte_waiter(byte_arrivals& from, wake_fn& on_wake) noexcept
      : operation_base(on_finish), from_(from), on_wake_(on_wake) {}
  ~byte_waiter();

  void begin(stop_token token) noexcept;
  [[nodiscard]] result<value> ended() noexcept;

 private:
  friend class byte_arrivals;
  static void on_finish(operation_base& base, completion) noexcept;
  static void on_stop(braid::cancellation& base) noexcept;
  static void on_late_stop(braid::cancellation& base) noexcept;

  static constexpr int second_next = -1;  // no errno

  byte_arrivals& from_;
  wake_fn& on_wake_;
  bool waits_ = false;
  // set when it is handed its result
  leased_bytes bytes_;
  int descriptor_ = -1;
  int code_ = 0;  // 0 and no bytes: the end; else an errno, or second_next
};

template <class R>
class byte_state final : byte_waiter {
 public:
  byte_state(byte_arrivals& from, R receiver) noexcept
      : byte_waiter(from, on_wake), receiver_(std::move(receiver)) {}
  void start() noexcept {
    if (loop::current_or_null() == nullptr) [[unlikely]]
      return std::move(receiver_).finish(braid::no_loop_error("incoming_bytes::next"));
    begin(receiver_.get_stop_token());
  }

 private:
  static void on_wake(byte_waiter& waiter) noexcept {
    auto& self = static_cast<byte_state&>(waiter);
    R receiver = std::move(self.receiver_);
    std::move(receiver).finish(self.ended());
  }
  R receiver_;
};

struct byte_sender {
  using sender_concept = sender_tag;
  using value_type = byte_waiter::value;
  byte_arrivals* from;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && noexcept {
    if (from == nullptr) braid::detail::misused("incoming_bytes::next: the incoming_bytes was moved from");
    return byte_state<R>(*from, std::move(receiver));
  }
};

}  // namespace braid::tcp::detail
