#include "braid/loop/loop.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/lost_error.hpp"
#include "braid/core/detail/find_mistake.hpp"
#include "braid/loop/detail/buffer_pool.hpp"
#include "braid/loop/detail/running_scope.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "living_loops.hpp"

namespace braid {

namespace {

void print_and_terminate(const error& failure) {
  std::fprintf(stderr, "braid: unhandled error: %s\n%s", failure.message().c_str(),
               format_stack(failure).c_str());
  terminate_explained();
}

// Is the environment's variable 1? It may be unset.
bool is_set(const char* variable) {
  const char* const word = std::getenv(variable);
  if (word == nullptr || std::string_view(word) == "0") return false;
  if (std::string_view(word) == "1") return true;
  throw std::invalid_argument("loop: " + std::string(variable) + " is '" + word + "'; it takes 0 or 1");
}

bool asked_to_track(const loop_options& options) {
  (void)is_set("BRAID_CHECKS");  // its value counts at the program's start
  return is_set("BRAID_TRACK_TASKS") || options.track_tasks || detail::checks_on;
}

// A function on its way to a loop.
struct posted final : operation_base, detail::pooled {
  explicit posted(unique_function<void()> f) noexcept : operation_base(on_finish), function(std::move(f)) {}
  static void on_finish(operation_base& base, completion) noexcept {
    std::unique_ptr<posted> self(&static_cast<posted&>(base));
    try {
      self->function();
    } catch (...) {
      loop::current("post").report_unhandled(error::current(), nullptr);
    }
  }
  unique_function<void()> function;
};

}  // namespace

loop::loop(const loop_options& options) : loop(options, make_reactor(options)) {}

loop::loop(const loop_options& options, std::unique_ptr<reactor> on)
    : operation_context(options, std::move(on)) {
  unhandled_ = std::make_shared<unhandled_fn>(print_and_terminate);
  if (current_ != nullptr) throw std::logic_error("loop: this thread has a loop already");
  if (options.operations_per_turn < 1)
    throw std::invalid_argument("loop: loop_options::operations_per_turn must be at least 1");
  if (options.fiber_stack_bytes > SIZE_MAX >> 17)
    throw std::invalid_argument("loop: loop_options::fiber_stack_bytes is larger than any address space");
  if (options.receive_buffers < 1 || options.receive_buffers > detail::buffer_pool::most_buffers)
    throw std::invalid_argument("loop: loop_options::receive_buffers must be from 1 to 32768");
  explain_uncaught_errors();
  if (asked_to_track(options)) {
    tracker_ = std::make_unique<detail::task_tracker>(*this);
    reactor_->close_lane();
    is_unusual_ = true;
  }
  {
    detail::living_loops& living = detail::living_loops::here();
    const std::lock_guard lock(living.mutex);
    living.all.push_back({this, ::pthread_self()});
  }
  make_current(this);
}

loop::~loop() {
  if (of_parent_) return;
  if (current_ != this) detail::misused("~loop: this is not the thread that made the loop");
  if (running_) detail::misused("~loop: the loop is running");
  ending_ = is_unusual_ = true;
  expected_ -= std::exchange(foreign_, 0);
  while (!timers_.empty()) reject(timers_.pop());
  reactor_->cancel_all();
  outside_.for_each([](detail::outside_work& work) { work.stop(); });
  while (has_work()) turn(true);
  while (!residents_.empty()) {
    residents_.pop_front().abandon();
    while (has_work()) turn(true);
  }
  {
    detail::living_loops& living = detail::living_loops::here();
    const std::lock_guard lock(living.mutex);
    std::erase_if(living.all, [this](const auto& each) { return each.which == this; });
  }
  while (has_work()) turn(true);  // what was posted before the loop left that list
  inbox_.await_wakers();
  tracker_.reset();
  make_current(nullptr);
}

void loop::throw_no_loop(const char* call) {
  throw std::logic_error(std::string(call) + ": this thread has no loop; make one, or use run(op)");
}

void loop::run() {
  detail::running_scope scope(*this, "loop::run");
  while (has_work()) turn(true);
  if (of_parent_) detail::misused("loop::run: this is a forked child of the process that called it");
}

void loop::post(unique_function<void()> f) {
  if (of_parent_) throw std::logic_error("loop::post: this loop belongs to the parent process");
  if (current_ == this && ending_) return;  // else a function that posts itself would keep the loop alive
  deliver(*new posted(std::move(f)));
}

bool loop::is_alive(const loop* which) noexcept {
  detail::living_loops& living = detail::living_loops::here();
  const std::lock_guard lock(living.mutex);
  return std::ranges::any_of(living.all, [which](const auto& each) { return each.which == which; });
}

bool loop::post_if_alive(loop* home, unique_function<void()>& f) {
  detail::living_loops& living = detail::living_loops::here();
  const std::lock_guard lock(living.mutex);
  if (std::ranges::none_of(living.all, [home](const auto& each) { return each.which == home; })) return false;
  home->post(std::move(f));
  return true;
}

// Each kind of work gets a bounded share of every turn, so that none starves another: the messages that have
// arrived when the turn begins, at most operations_per_turn of the timers that are due then, as many ready
// operations, and the completions that are there.
void loop::turn(bool may_wait) {
  const detail::transfer_base bottom;
  if (!inbox_.empty()) inbox_.drain_into(ready_);
  bool ran = false;
  if (!timers_.empty()) ran = fire_due_timers();
  ran |= run_ready();
  if (!ready_.empty() || !rejected_.empty()) {
    reactor_->turn({}, inbox_);
  } else if (ran && !returned_early_) {
    // The operations that ran may be what the caller waits for. If not, the next turn waits, in one system
    // call. At least every second turn includes the reactor.
    returned_early_ = true;
    return;
  } else {
    reactor::patience how_long{.may_wait = may_wait && !ran};
    if (!timers_.empty()) how_long.until = timers_.nearest();
    reactor_->turn(how_long, inbox_);
  }
  returned_early_ = false;
}

}  // namespace braid
