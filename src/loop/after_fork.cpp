// A child process has copies of its parent's loops, but not their threads, and shares their descriptors.

#include "braid/loop/after_fork.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "braid/loop/detail/blocking_pool.hpp"
#include "braid/loop/detail/pool_threads.hpp"
#include "braid/loop/detail/signal_listener.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "living_loops.hpp"

namespace braid {

namespace {

constexpr const char* not_ours =
    "a loop of the parent process is used in a forked child: make a new loop in the child, or call exec or "
    "_exit";

// Replaces the reactor of a parent's loop: nothing is in flight, and it takes no request.
class reactor_of_parent final : public reactor {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "the parent's"; }
  void submit(io_operation&) noexcept override { detail::misused(not_ours); }
  void cancel(io_operation&) noexcept override {}
  void cancel_all() noexcept override {}
  // The call that forked may still return through the loop's turn.
  void turn(patience how_long, detail::inbox&) noexcept override {
    if (how_long.may_wait) detail::misused(not_ours);
  }
  void wake() noexcept override {}
  void offload(detail::blocking_job&) override { detail::misused(not_ours); }
  [[nodiscard]] loop_clock::time_point now() const noexcept override {
    return loop_clock::time_point(std::chrono::steady_clock::now().time_since_epoch());
  }
  [[nodiscard]] std::size_t in_flight() const noexcept override { return 0; }
};

void leave_all_to_parent(detail::living_loops& here) noexcept {
  here.process = ::getpid();
  for (const detail::living_loops::member& each : here.all) each.which->leave_to_parent();
  here.all.clear();
}

}  // namespace

detail::living_loops::living_loops() : process(::getpid()) {
  ::pthread_atfork([] { here().mutex.lock(); }, [] { here().mutex.unlock(); },
                   [] {
                     leave_all_to_parent(here());
                     here().mutex.unlock();
                   });
}

detail::living_loops& detail::living_loops::here() {
  static auto* const never_destroyed = new detail::living_loops;
  return *never_destroyed;
}

void after_fork() noexcept {
  detail::living_loops& here = detail::living_loops::here();
  if (here.process == ::getpid()) return;
  new (&here.mutex) std::mutex;  // a thread of the parent may have held it
  leave_all_to_parent(here);
  detail::blocking_pool::after_fork();
  detail::pool_owner::after_fork();
  detail::signal_listener::after_fork();
}

// Finishes and destroys nothing. The operations are the parent's, and their clean-up would happen in both
// processes. A loop of another thread may have been in the middle of any step, so its lists are not read.
void operation_context::leave_to_parent() noexcept {
  detail::living_loops& here = detail::living_loops::here();
  of_parent_ = true;
  const bool of_this_thread = std::ranges::any_of(here.all, [this](const auto& each) {
    return each.which == this && ::pthread_equal(each.thread, ::pthread_self()) != 0;
  });
  if (current_ == this) make_current(nullptr);
  if (of_this_thread) reactor_->leave_to_parent();
  here.reactors_of_parent.push_back(std::exchange(reactor_, std::make_unique<reactor_of_parent>()));
  time_ = reactor_.get();
  expected_ = 0;
  inbox_.clear();
  for (operation_base::queue* each : {&ready_, &rejected_}) (void)operation_base::queue(std::move(*each));
  if (of_this_thread) {
    tracker_.reset();
    while (!timers_.empty()) (void)timers_.pop();
    while (!residents_.empty()) here.residents_of_parent.push_back(residents_.pop_front());
    while (!outside_.empty()) here.outside_of_parent.push_back(outside_.pop_front());
  } else {
    (void)tracker_.release();
    new (&timers_) detail::timer_queue;
    new (&residents_) detail::intrusive_list<detail::resident>;
    new (&outside_) detail::intrusive_list<detail::outside_work>;
  }
}

}  // namespace braid
