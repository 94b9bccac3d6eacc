#include "braid/net/detail/arrivals.hpp"

#include <cerrno>
#include <new>
#include <vector>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/loop/detail/request_error.hpp"
#include "braid/loop/direct_calls.hpp"

namespace braid::detail {

class arrivals final : io_operation, public pooled {
 public:
  explicit arrivals(const descriptor& at)
      : io_operation(arrived, what_), at_(&at), what_{.code = opcode::accept_many, .flags = SOCK_CLOEXEC} {
    connections_.reserve(most_waiting);
  }

  // Hands the waiter the oldest connection, or queues the waiter.
  void hand_over_or_queue(arrival_waiter& waiter) noexcept {
    loop& here = loop::current();
    if (home_ != nullptr && home_ != &here) misused("incoming::next: this is not the loop of the first next");
    home_ = &here;
    if (!connections_.empty()) {
      const int oldest = connections_.front();
      connections_.erase(connections_.begin());
      return complete(waiter, oldest);
    }
    waiters_.push_back(waiter);
    if (!in_flight()) ask();
  }

  void complete(arrival_waiter& waiter, int result) noexcept {
    waiter.listener_ = what_.descriptor;
    waiter.result_ = result;
    home_->operations().make_ready(waiter);
  }

  // The incoming is destroyed.
  void leave() noexcept {
    for (const int each : connections_) close(each);
    connections_.clear();
    while (!waiters_.empty()) complete(waiters_.pop_front(), -ECANCELED);
    if (!in_flight()) return delete this;
    at_ = nullptr;
    home_->operations().cancel(*this);
  }

 private:
  static constexpr std::size_t most_waiting = 64;

  void ask() noexcept {
    pausing_ = false;
    // read anew: the listener may have been closed, and its old number may belong to another descriptor
    what_.descriptor = at_->number();
    home_->operations().submit(*this);
  }

  static void arrived(operation_base& base, completion with) noexcept {
    auto& self = static_cast<arrivals&>(static_cast<io_operation&>(base));
    if (with.result >= 0)
      self.take(with.result);
    else if (!self.in_flight())
      self.failed(-with.result);
    if (self.in_flight()) return;
    if (self.at_ == nullptr) return delete &self;
    if (!self.waiters_.empty()) self.ask();
  }

  static void close(int connection) noexcept { (void)direct_calls::current().close(connection); }

  void take(int connection) noexcept {
    if (at_ == nullptr) {
      close(connection);
      return;
    }
    if (!waiters_.empty()) return complete(waiters_.pop_front(), connection);
    try {
      connections_.push_back(connection);
    } catch (const std::bad_alloc&) {
      close(connection);
    }
    if (connections_.size() < most_waiting || pausing_ || !in_flight()) return;
    pausing_ = true;
    home_->operations().cancel(*this);
  }

  void failed(int code) noexcept {
    if (code == EINVAL && what_.code == opcode::accept_many) {
      // Either this kernel has no multishot accept, or the socket is no listener; accept will say which.
      what_.code = opcode::accept;
      return;
    }
    if (code == EINTR || (code == ECANCELED && pausing_)) return;
    if (!waiters_.empty()) complete(waiters_.pop_front(), -code);
  }

  const descriptor* at_;  // null once the incoming is destroyed
  loop* home_ = nullptr;
  request what_;
  std::vector<int> connections_;  // oldest first; while there are any, no waiter is queued
  intrusive_list<arrival_waiter> waiters_;  // while there are any, the request is in flight
  bool pausing_ = false;  // the request was cancelled because too many connections are held
};

void leave_arrivals::operator()(arrivals* which) const noexcept { which->leave(); }

void arrival_waiter::begin(stop_token token) noexcept {
  from_.hand_over_or_queue(*this);
  arm<on_stop, on_late_stop>(token);
}
result<int> arrival_waiter::ended() const {
  if (result_ < 0)
    return request_error("incoming::next", {.code = opcode::accept, .descriptor = listener_}, -result_);
  return result_;
}
void arrival_waiter::on_finish(operation_base& base, completion) noexcept {
  auto& self = static_cast<arrival_waiter&>(base);
  if (self.disarm()) self.on_wake_(self);
}
void arrival_waiter::on_stop(cancellation& base) noexcept {
  auto& self = static_cast<arrival_waiter&>(base);
  if (!self.linked()) return;  // its result is on its way
  self.unlink();
  self.from_.complete(self, -ECANCELED);
}
void arrival_waiter::on_late_stop(cancellation& base) noexcept {
  auto& self = static_cast<arrival_waiter&>(base);
  self.on_wake_(self);
}

arrivals_ptr arrivals_at(const descriptor& listening) { return arrivals_ptr(new arrivals(listening)); }

}  // namespace braid::detail
