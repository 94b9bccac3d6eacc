#pragma once

#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/detail/intrusive_queue.hpp"
#include "braid/base/error.hpp"
#include "braid/combine/supervisor_options.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "braid/loop/timer_base.hpp"
#include "braid/style/promise.hpp"

namespace braid::detail {

class supervision;

// A child of a supervisor: how it is begun and restarted, and how it fares now.
//
// Threads  its loop's.
class supervised : public pooled, public list_node {
 public:
  virtual ~supervised() = default;

 protected:
  supervised(supervision& by, const child_options& how, std::source_location where)
      : by_(by), how_(how), name_(how.name), frame_{nullptr, where} {}

  /// Makes the operation and starts it; may call ended() before it returns.
  virtual void begin() noexcept = 0;
  virtual void destroy_operation() noexcept = 0;
  void ended(std::optional<error> failure) noexcept;

  supervision& by_;
  std::optional<stop_source> stop_;  // of the operation that runs, or ran last

 private:
  friend class supervision;
  enum class phase : std::uint8_t {
    waiting,   // for its turn in a restart of several
    running,
    stopping,  // its operation was asked to stop
    overdue,   // and has not obeyed in time
    pausing,   // until its restart
    dormant,   // ended; only a restart of several begins it again
    dropped,   // is destroyed once its timer has ended
  };

  // Ends a pause, or the time that the child has to obey a stop request.
  struct timer : timer_base {
    explicit timer(supervised& child) noexcept : timer_base(on_end), of(child) {}
    static void on_end(operation_base& base, completion with);
    supervised& of;
  };

  // constant
  const child_options how_;
  const std::string name_;
  std::uint64_t number_ = 0;  // in the order of spawn, from 1
  // what follows changes
  phase phase_ = phase::waiting;
  timer timer_{*this};
  bool over_ = false;  // its operation has ended, and the supervision has not dealt with that
  bool removed_ = false;  // is not restarted any more
  int failures_ = 0;  // in a row
  loop_clock::time_point begun_at_{};
  std::optional<error> failure_;  // of the operation that has ended
  std::vector<promise<void>> removals_;  // wait for the end
  supervised* next_ended_ = nullptr;

 public:
  using queue = intrusive_queue<supervised, &supervised::next_ended_>;

 protected:
  async_frame frame_;
};

template <class F>
class supervised_child final
    : public supervised,
      public finishes_at_home_with<supervised_child<F>, value_of<std::invoke_result_t<F&>>> {
  using sender_type = std::invoke_result_t<F&>;
  using value_type = value_of<sender_type>;
  using receiver = inner_receiver<supervised_child, value_type>;
  using home_step = finishes_at_home_with<supervised_child<F>, value_type>;

 public:
  supervised_child(supervision& by, F make, const child_options& how, std::source_location where)
      : supervised(by, how, where), make_(std::move(make)) {}
  ~supervised_child() override { destroy_operation(); }

  // For the operation.
  [[nodiscard]] stop_token child_stop_token() noexcept { return stop_->get_token(); }
  [[nodiscard]] async_frame* frame() noexcept { return &frame_; }
  [[nodiscard]] loop* home() const noexcept;
  void on_finish(result<value_type>&& how) noexcept {
    std::optional<error> failure;
    if (!how) failure.emplace(std::move(how).error());
    operation_.reset();
    ended(std::move(failure));
  }

 private:
  void begin() noexcept override {
    try {
      operation_.emplace(elided{[this] { return connect(make_(), receiver{this}); }});
    } catch (...) {
      return ended(error::current());
    }
    operation_->start();
  }
  void destroy_operation() noexcept override {
    if (!operation_) return;
    operation_.reset();
    if (this->in_flight()) home()->operations().withdraw_ready(*this);  // it ended on another thread
  }

  F make_;
  std::optional<connected<sender_type, receiver>> operation_;
};

}  // namespace braid::detail
