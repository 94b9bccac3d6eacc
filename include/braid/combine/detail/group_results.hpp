#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/detail/intrusive_queue.hpp"
#include "braid/base/result.hpp"
#include "braid/combine/detail/scope_join.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

// What is left of a group's child once it has ended: its result.
template <class T>
class group_result : public pooled {
 public:
  virtual ~group_result() = default;
  [[nodiscard]] result<T>& ended() noexcept { return *ended_; }

 protected:
  std::optional<result<T>> ended_;

 private:
  group_result* next_ = nullptr;

 public:
  using queue = intrusive_queue<group_result, &group_result::next_>;
};

// A next() that waits.
template <class T>
class group_waiter : public list_node {
 public:
  virtual void hand_over(group_result<T>* one) noexcept = 0;  // null: no result will come

 protected:
  ~group_waiter() = default;
};

// The results of a group that no next() has received, in the order in which the children ended. While a
// next() waits there are none.
template <class T>
class group_results : pinned {
 public:
  explicit group_results(scope_join& join) noexcept : join_(join) {}
  ~group_results() {
    while (!ready_.empty()) delete &ready_.pop_front();
  }

  [[nodiscard]] scope_join& join() const noexcept { return join_; }
  void child_begins() noexcept { ++running_; }
  /// A child has ended: `one` passes to the group. Call it before the child releases the join.
  void arrived(group_result<T>& one) noexcept {
    --running_;
    if (result<T>& ended = one.ended(); !ended && ended.error().is_requested_cancellation())
      join_.child_failed(ended.error());  // shows that the group was cut short, and is no failure
    pass_on(one, false);
    if (running_ != 0) return;
    while (!waiters_.empty()) waiters_.pop_front().hand_over(nullptr);
  }
  /// The function has ended: a result that no next() waits for is dropped, and an error fails the group.
  void close() noexcept {
    closed_ = true;
    while (!ready_.empty()) drop(ready_.pop_front());
  }

  // For next().
  [[nodiscard]] group_result<T>* take() noexcept { return ready_.empty() ? nullptr : &ready_.pop_front(); }
  [[nodiscard]] bool exhausted() const noexcept { return running_ == 0 && ready_.empty(); }
  void wait(group_waiter<T>& waiter) noexcept { waiters_.push_back(waiter); }
  /// The next() that got `one` was destroyed.
  void put_back(group_result<T>& one) noexcept { pass_on(one, true); }

 private:
  void pass_on(group_result<T>& one, bool first) noexcept {
    if (!waiters_.empty())
      waiters_.pop_front().hand_over(&one);
    else if (closed_)
      drop(one);
    else
      first ? ready_.push_front(one) : ready_.push_back(one);
  }
  void drop(group_result<T>& one) noexcept {
    const std::unique_ptr<group_result<T>> dropped(&one);
    if (result<T>& ended = one.ended(); !ended && !ended.error().is_requested_cancellation())
      join_.child_failed(ended.error());
  }

  scope_join& join_;
  typename group_result<T>::queue ready_;
  intrusive_list<group_waiter<T>> waiters_;
  std::size_t running_ = 0;
  bool closed_ = false;
};

// The operation of task_group::next.
template <class T, class R>
class group_next_state final : group_waiter<T>, operation_base, cancellation {
  using value_type = std::optional<result<T>>;

 public:
  group_next_state(group_results<T>* from, R receiver)
      : operation_base(on_ready), from_(*from), receiver_(std::move(receiver)) {}
  ~group_next_state() {
    if (!waits_) return;
    if (this->linked()) this->unlink();
    cancellation::drop();
    if (this->in_flight()) from_.join().home()->operations().withdraw_ready(*this);
    if (got_ != nullptr) from_.put_back(*got_);
  }

  void start() noexcept {
    const loop* const here = loop::current_or_null();
    if (here == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error(name));
    if (here != from_.join().home()) [[unlikely]]
      return std::move(receiver_).finish(misuse_error("task_group::next: the group belongs to another loop"));
    got_ = from_.take();
    if (got_ != nullptr || from_.exhausted()) return finish();
    waits_ = true;
    from_.wait(*this);
    arm<on_stop, on_late_stop>(receiver_.get_stop_token());
  }

 private:
  static constexpr const char* name = "task_group::next";

  void hand_over(group_result<T>* one) noexcept override {
    got_ = one;
    from_.join().home()->operations().make_ready(*this);
  }
  static void on_ready(operation_base& base, completion) {
    auto& self = static_cast<group_next_state&>(base);
    if (self.disarm()) self.finish();
  }
  static void on_stop(cancellation& base) noexcept {
    auto& self = static_cast<group_next_state&>(base);
    if (!self.linked()) return;  // the hand-over came first
    self.unlink();
    self.canceled_ = true;
    self.from_.join().home()->operations().make_ready(self);
  }
  static void on_late_stop(cancellation& base) noexcept { static_cast<group_next_state&>(base).finish(); }

  void finish() noexcept {
    waits_ = false;
    R receiver = std::move(receiver_);
    if (canceled_)
      return std::move(receiver).finish(error(std::make_error_code(std::errc::operation_canceled), name));
    const std::unique_ptr<group_result<T>> got(std::exchange(got_, nullptr));
    auto next = capture([&]() -> value_type {
      if (got == nullptr) return std::nullopt;
      if (!got->ended()) got->ended().error().set_requested(false);  // stop was not requested of the waiter
      return value_type(std::in_place, std::move(got->ended()));
    });
    std::move(receiver).finish(std::move(next));
  }

  group_results<T>& from_;
  R receiver_;
  group_result<T>* got_ = nullptr;
  bool waits_ = false;
  bool canceled_ = false;
};

}  // namespace braid::detail
