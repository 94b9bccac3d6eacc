#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <ranges>
#include <system_error>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/core/sender.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/detail/offload_job.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/schedule/detail/offload_call.hpp"
#include "braid/schedule/detail/offload_state.hpp"

namespace braid::detail {

/// Does a T refer to nothing that the caller may destroy, as far as its type says so?
template <class T>
inline constexpr bool owns_its_data = !std::is_pointer_v<T> || std::is_function_v<std::remove_pointer_t<T>>;
template <class T>
inline constexpr bool owns_its_data<std::reference_wrapper<T>> = false;
template <>
inline constexpr bool owns_its_data<stop_token> = false;
template <class T>
  requires std::ranges::range<T> && std::ranges::enable_borrowed_range<T>  // string_view, span
inline constexpr bool owns_its_data<T> = false;

// A function that may run longer than its operation, with its arguments and its result.
//
// Lifetime  lives until both its operation and its thread have let go of it.
template <class F>
class abandonable_job final : public offload_job, public pooled {
 public:
  using value_type = offloaded_value<F>;
  using pooled::operator new, pooled::operator delete;
  explicit abandonable_job(F f) : offload_job(fate::can_be_abandoned), f_(std::move(f)) {}

  void request_stop(stop_reason why) noexcept { stop_.request_stop(why); }
  [[nodiscard]] result<value_type>& ended() noexcept { return *result_; }
  void let_go() noexcept {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  void run() noexcept override {
    result_.emplace(capture([&]() -> value_type { return call_offloaded(*f_, stop_.token()); }));
  }
  // On the thread that ran it.
  void on_abandoned() noexcept override {
    result_.reset();
    f_.reset();
    let_go();
  }

  std::atomic<int> holders_{2};
  [[no_unique_address]] source_for<F> stop_;
  std::optional<F> f_;
  std::optional<result<value_type>> result_;
};

// The operation of a function that is left to its thread when the operation is stopped.
template <class F, class R>
class abandonable_state final : operation_base, cancellation, outside_work {
  using job = abandonable_job<F>;
  using value_type = typename job::value_type;

 public:
  abandonable_state(offload_place where, F f, R receiver)
      : operation_base(on_loop), where_(where), f_(std::move(f)), receiver_(std::move(receiver)) {}
  ~abandonable_state() {
    if (job_ != nullptr) job_->let_go();
  }

  void start() noexcept {
    home_ = loop::current_or_null();
    if (home_ == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error(where_.call));
    stop_token token = receiver_.get_stop_token();
    if (home_->ending() || token.stop_requested()) [[unlikely]]
      return std::move(receiver_).finish(cancelled());
    std::optional<error> failed;
    try {
      job_ = new job(std::move(f_));
      failed = job_->submit(where_.pool, *home_, *this, where_.call);
      if (failed) job_->let_go();  // for the thread, as below
    } catch (...) {
      failed = error::current();
    }
    if (failed) [[unlikely]]
      return std::move(receiver_).finish(*std::move(failed));
    home_->operations().begin_outside(*this);
    arm<on_stop, on_late_stop>(std::move(token));
  }

 private:
  [[nodiscard]] error cancelled() const noexcept {
    return error(std::make_error_code(std::errc::operation_canceled), where_.call);
  }
  static void on_loop(operation_base& base, completion) noexcept {
    auto& self = static_cast<abandonable_state&>(base);
    self.home_->operations().end_outside(self);
    if (self.disarm()) self.finish();
  }
  static void on_stop(cancellation& base) noexcept { static_cast<abandonable_state&>(base).stop(); }
  static void on_late_stop(cancellation& base) noexcept { static_cast<abandonable_state&>(base).finish(); }
  void stop() noexcept override {
    if (is_left_) return;
    if (job_->withdraw())
      job_->let_go();
    else if (job_->request_stop(receiver_.get_stop_token().reason()); !job_->abandon())
      return;  // it has ended and is on its way
    is_left_ = true;
    home_->operations().make_ready(*this);
  }
  void finish() noexcept {
    R receiver = std::move(receiver_);
    if (is_left_) return std::move(receiver).finish(cancelled());
    if (job_->cut_off()) [[unlikely]] {
      if (!job_->begun()) job_->let_go();
      return std::move(receiver).finish(error(*job_->cut_off()));
    }
    job_->let_go();
    result<value_type> ended = std::move(job_->ended());
    std::move(receiver).finish(std::move(ended));
  }

  const offload_place where_;
  loop* home_ = nullptr;
  F f_;
  R receiver_;
  job* job_ = nullptr;
  bool is_left_ = false;  // withdrawn or abandoned
};

/// The call of an abandonable function: refuses what may refer to the caller's data.
template <class F, class... Arguments>
auto keep_owned(F&& f, Arguments&&... arguments) {
  using function = std::decay_t<F>;
  static_assert(
      std::is_empty_v<function> || std::is_member_pointer_v<function> ||
          std::is_function_v<std::remove_pointer_t<function>>,
      "an abandonable function may outlive its caller: it captures nothing, and keeps copies of its "
      "arguments");
  static_assert((owns_its_data<std::decay_t<Arguments>> && ...),
                "an abandonable function may outlive its caller: no argument may be a pointer, a std::ref, a "
                "view or a stop_token; pass the object itself, or a std::shared_ptr");
  return keep_arguments(std::forward<F>(f), std::forward<Arguments>(arguments)...);
}

}  // namespace braid::detail
