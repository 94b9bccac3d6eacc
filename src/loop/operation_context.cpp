#include "braid/loop/operation_context.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include "braid/base/detail/lost_error.hpp"
#include "braid/core/detail/find_mistake.hpp"
#include "braid/loop/detail/buffer_pool.hpp"
#include "braid/loop/detail/task_tracker.hpp"

namespace braid {

operation_context::operation_context(const loop_options& options, std::unique_ptr<reactor> on) noexcept
    : keeps_time(on.get()), options_(options), reactor_(std::move(on)) {}

operation_context::~operation_context() = default;

void detail::end_buffer_pool::operator()(buffer_pool* which) const noexcept { which->loop_ends(); }

detail::buffer_pool& operation_context::make_receive_buffers() {
  std::unique_ptr<detail::buffer_pool, detail::end_buffer_pool> made(
      new detail::buffer_pool(*this, options_.receive_buffers));
  if (const int code = reactor_->offer_buffers(*made); code != 0)
    throw std::system_error(code, std::generic_category(), "loop: buffers for receive_many");
  buffers_ = std::move(made);
  return *buffers_;
}

void operation_context::withdraw_ready(operation_base& operation) noexcept {
  while (!of_parent_ && !ready_.remove(operation)) {
    if (inbox_.empty())
      std::this_thread::yield();
    else
      inbox_.drain_into(ready_);
  }
  operation.mark_withdrawn();
}

void operation_context::check_thread(const async_frame* frame) const noexcept {
  if (thread_ == &current_ || !detail::checks_on) return;
  const std::source_location where = frame != nullptr ? frame->where : std::source_location();
  detail::find_mistake(mistake::wrong_loop, where, [&] {
    return finding{mistake::wrong_loop,
                   "an operation is begun on a loop of another thread; use loop::post to reach that thread",
                   stack_of(frame)};
  });
}

void operation_context::submit_slow(io_operation& operation, const async_frame* frame) noexcept {
  check_thread(frame);
  if (operation.what().code == opcode::cancel_descriptor) {
    operation_base::queue waiting = turns_.withdraw_all(operation.what().descriptor, *reactor_);
    while (!waiting.empty()) reject(waiting.pop_front());
  }
  if (ending_) return reject(operation);  // the reactor has closed its lane by then
  if (tracker_ != nullptr) tracker_->note(operation, frame);
  reactor_->submit(operation);
}

void operation_context::wait_for_turn(detail::turn_operation& operation, const async_frame* frame) noexcept {
  operation.mark_begun();
  if (tracker_ != nullptr) tracker_->note(operation, frame);
}

// The tracker has recorded the operation already, when it began to wait.
void operation_context::begin_turn(detail::turn_operation& operation) noexcept {
  if (ending_) return reject(operation);
  turns_.locate(operation, *reactor_);
  if (tracker_ != nullptr || operation.may_block_) return reactor_->submit(operation);
  submit(operation);
}

void operation_context::add_slow(timer_base& timer, loop_clock::time_point deadline,
                                 const async_frame* frame) noexcept {
  check_thread(frame);
  if (ending_) return reject(timer);
  tracker_->note(timer, deadline, frame);
  timers_.add(timer, std::max(deadline, fired_until_));
}

void operation_context::report_unhandled(error failure, const async_frame* where) noexcept {
  if (failure.is_requested_cancellation() || (ending_ && failure == std::errc::operation_canceled)) return;
  attach_stack(failure, where);
  const auto handler = unhandled_;  // a copy, since the handler may set another one
  (*handler)(failure);
}

bool operation_context::fire_due_timers() noexcept {
  const loop_clock::time_point now = fired_until_ = reactor_->now();
  int left = options_.operations_per_turn;
  for (; left > 0 && !timers_.empty() && timers_.nearest() <= now; --left) timers_.pop().finish({});
  return left != options_.operations_per_turn;
}

bool operation_context::run_ready() noexcept {
  if (ready_.empty() && rejected_.empty()) return false;
  if (is_unusual_) [[unlikely]] {
    const completion with{ending_ ? -ECANCELED : 0, 0};
    return run_ready_by([&](operation_base& each) {
      if (tracker_ != nullptr)
        tracker_->run_step(each, with);
      else
        each.finish(with);
    });
  }
  return run_ready_by([](operation_base& each) { each.finish({}); });
}

// Ready operations make others ready. A computation in pieces would make timers and completions wait for
// operations_per_turn of its pieces. So a turn ends early where operations take long. The clock is read
// between batches, which shrink to one operation while operations take long. Reading it after each
// operation would cost as much as a switch.
template <class Finish>
bool operation_context::run_ready_by(Finish finish) noexcept {
  constexpr int largest_batch = 64;
  constexpr loop_clock::duration long_time = std::chrono::milliseconds(1);
  auto since = loop_clock::time_point::max();
  for (int left = options_.operations_per_turn; left > 0 && !ready_.empty();) {
    const int batch = std::min(left, batch_);
    for (int i = batch; i > 0 && !ready_.empty(); --i) finish(ready_.pop_front());
    left -= batch;
    if (ready_.empty() || left <= 0) break;
    const auto now = reactor_->now();
    if (now > since && now - since > long_time) {
      batch_ = std::max(1, batch_ / 8);
      break;
    }
    if (since != loop_clock::time_point::max()) batch_ = std::min(largest_batch, batch_ * 2);
    since = now;
  }
  for (int left = options_.operations_per_turn; left > 0 && !rejected_.empty(); --left)
    rejected_.pop_front().finish({-ECANCELED, 0});
  return true;
}

void operation_context::make_current(operation_context* which) noexcept {
  current_ = which;
  if (which == nullptr)
    detail::lost_errors_go_to = nullptr;
  else
    detail::lost_errors_go_to = [](error failure) noexcept {
      static_cast<operation_context*>(current_)->report_unhandled(std::move(failure), nullptr);
    };
}

}  // namespace braid
