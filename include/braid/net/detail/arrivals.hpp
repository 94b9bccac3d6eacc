#pragma once

#include <memory>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/result.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

// The state of an incoming: its request, and the sockets that no waiter has taken yet. It outlives the
// incoming until the kernel is done with the request.
class arrivals;
struct leave_arrivals {
  void operator()(arrivals* which) const noexcept;
};
using arrivals_ptr = std::unique_ptr<arrivals, leave_arrivals>;
// The listening socket stays where it is until the incoming ends.
[[nodiscard]] arrivals_ptr arrivals_at(const descriptor& listening);

// A waiter for an accepted socket. The loop finishes it as ready work.
class arrival_waiter : public list_node, operation_base, cancellation {
 protected:
  using wake_fn = void(arrival_waiter&) noexcept;
  arrival_waiter(arrivals& from, wake_fn& on_wake) noexcept
      : operation_base(on_finish), from_(from), on_wake_(on_wake) {}

  void begin(stop_token token) noexcept;
  // The socket.
  [[nodiscard]] result<int> ended() const;

 private:
  friend class arrivals;
  static void on_finish(operation_base& base, completion) noexcept;
  static void on_stop(cancellation& base) noexcept;
  static void on_late_stop(cancellation& base) noexcept;

  arrivals& from_;
  wake_fn& on_wake_;
  // set when it is handed its result
  int listener_ = -1;
  int result_ = 0;  // a descriptor, or minus an errno
};

// Accepted makes the connection of a socket.
template <class Accepted, class R>
class arrival_state final : arrival_waiter {
 public:
  arrival_state(arrivals& from, Accepted accepted, R receiver) noexcept
      : arrival_waiter(from, on_wake), accepted_(accepted), receiver_(std::move(receiver)) {}
  void start() noexcept {
    if (loop::current_or_null() == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error("incoming::next"));
    begin(receiver_.get_stop_token());
  }

 private:
  static void on_wake(arrival_waiter& waiter) noexcept {
    auto& self = static_cast<arrival_state&>(waiter);
    R receiver = std::move(self.receiver_);
    result<int> socket = self.ended();
    if (!socket) return std::move(receiver).finish(std::move(socket).error());
    std::move(receiver).finish(self.accepted_(*socket));
  }
  [[no_unique_address]] const Accepted accepted_;
  R receiver_;
};

template <class Accepted>
struct arrival_sender {
  using sender_concept = sender_tag;
  using value_type = typename Accepted::value_type;
  arrivals* from;
  [[no_unique_address]] Accepted accepted;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && noexcept {
    if (from == nullptr) misused("incoming::next: the incoming was moved from");
    return arrival_state<Accepted, R>(*from, accepted, std::move(receiver));
  }
};

}  // namespace braid::detail
