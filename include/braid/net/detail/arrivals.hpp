#pragma once

#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/net/stream.hpp"

namespace braid::tcp::detail {

// The stream of an accepted socket.
[[nodiscard]] stream accepted(int socket) noexcept;

// The state of an incoming: its request, and the connections that no waiter has taken yet. It outlives the
// incoming until the kernel is done with the request.
class arrivals;
struct leave_arrivals {
  void operator()(arrivals* which) const noexcept;
};

// A waiter for a connection. The loop finishes it as ready work.
class arrival_waiter : public braid::detail::list_node, operation_base, braid::cancellation {
 protected:
  using wake_fn = void(arrival_waiter&) noexcept;
  arrival_waiter(arrivals& from, wake_fn& on_wake) noexcept
      : operation_base(on_finish), from_(from), on_wake_(on_wake) {}

  void begin(stop_token token) noexcept;
  [[nodiscard]] result<stream> ended() const;

 private:
  friend class arrivals;
  static void on_finish(operation_base& base, completion) noexcept;
  static void on_stop(braid::cancellation& base) noexcept;
  static void on_late_stop(braid::cancellation& base) noexcept;

  arrivals& from_;
  wake_fn& on_wake_;
  // set when it is handed its result
  int listener_ = -1;
  int result_ = 0;  // a descriptor, or minus an errno
};

template <class R>
class arrival_state final : arrival_waiter {
 public:
  arrival_state(arrivals& from, R receiver) noexcept
      : arrival_waiter(from, on_wake), receiver_(std::move(receiver)) {}
  void start() noexcept {
    if (loop::current_or_null() == nullptr) [[unlikely]]
      return std::move(receiver_).finish(braid::no_loop_error("incoming::next"));
    begin(receiver_.get_stop_token());
  }

 private:
  static void on_wake(arrival_waiter& waiter) noexcept {
    auto& self = static_cast<arrival_state&>(waiter);
    R receiver = std::move(self.receiver_);
    std::move(receiver).finish(self.ended());
  }
  R receiver_;
};

struct arrival_sender {
  using sender_concept = sender_tag;
  using value_type = stream;
  arrivals* from;
  template <receiver_of<stream> R>
  auto connect(R receiver) && noexcept {
    if (from == nullptr) braid::detail::misused("incoming::next: the incoming was moved from");
    return arrival_state<R>(*from, std::move(receiver));
  }
};

}  // namespace braid::tcp::detail
