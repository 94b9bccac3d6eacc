#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "braid/base/intrusive_list.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/io_sender.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/transfer.hpp"

namespace braid::detail {

// Who waits in the queue of a synchronisation object. It is told as ready work of its loop, never within the call
// that let it pass.
//
// Lifetime  may be destroyed while it waits, or between being let pass and being told: it leaves no trace.
class sync_waiter : public list_node, operation_base, cancellation {
 public:
  // From the object, whose queue it has left: it may pass.
  void pass() noexcept {
    passed_ = true;
    home_->make_ready(*this);
  }

 protected:
  using told_fn = void(sync_waiter&);
  explicit sync_waiter(told_fn& told) noexcept : operation_base(come), told_(told) {}
  ~sync_waiter() = default;

  void wait_in(intrusive_list<sync_waiter>& waiters, stop_token token) noexcept {
    home_ = loop::current_or_null();
    waiters.push_back(*this);
    arm(token, cancel, resumed);
  }
  // For the destructor. True when it was let pass, and nobody made use of that.
  [[nodiscard]] bool leave() noexcept {
    if (home_ == nullptr) return false;
    if (linked()) unlink();
    cancellation::forget();
    if (in_flight()) home_->forget(*this);
    return std::exchange(passed_, false);
  }
  [[nodiscard]] bool take_pass() noexcept {
    home_ = nullptr;
    return std::exchange(passed_, false);
  }

 private:
  static void come(operation_base& base, completion) {
    auto& self = static_cast<sync_waiter&>(base);
    if (self.disarm()) self.told_(self);
  }
  static void cancel(cancellation& base) noexcept {
    auto& self = static_cast<sync_waiter&>(base);
    if (!self.linked()) return;  // it may pass already
    self.unlink();
    self.home_->make_ready(self);
  }
  static void resumed(cancellation& base) noexcept {
    auto& self = static_cast<sync_waiter&>(base);
    self.told_(self);
  }

  told_fn& told_;
  loop* home_ = nullptr;  // while it waits
  bool passed_ = false;
};

// What one may wait for: an object with
//   bool try_pass()     passes at once where that is possible and nobody waits
//   void give_back()    undoes a passing that nobody made use of
//   value_type passed() what who has passed gets
//   name                the call, for messages
// and a queue of those who cannot pass.
template <class Object>
class pass_sender;

template <class Object>
[[gnu::cold, gnu::noinline]] error pass_canceled() {
  return error(std::make_error_code(std::errc::operation_canceled), Object::name);
}

template <class Object, class R>
class pass_state final : sync_waiter {
 public:
  pass_state(Object& object, R receiver) noexcept
      : sync_waiter(told), object_(object), receiver_(std::move(receiver)) {}
  ~pass_state() {
    if (leave()) object_.give_back();
  }

  void start() noexcept {
    if (loop::current_or_null() == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error(Object::name));
    if (object_.try_pass()) return finish();
    wait_in(object_.waiters(), receiver_.get_stop_token());
  }

 private:
  static void told(sync_waiter& waiter) {
    auto& self = static_cast<pass_state&>(waiter);
    if (self.take_pass()) return self.finish();
    R receiver = std::move(self.receiver_);
    std::move(receiver).finish(pass_canceled<Object>());
  }
  void finish() noexcept {
    using value_type = typename Object::value_type;
    Object& object = object_;
    R receiver = std::move(receiver_);
    std::move(receiver).finish(capture([&]() -> value_type { return object.passed(); }));
  }

  Object& object_;
  R receiver_;
};

// In a coroutine: passing at once is no more than the question whether it may.
template <class Object>
class pass_awaiter final : sync_waiter {
 public:
  explicit pass_awaiter(Object& object) noexcept : sync_waiter(told), object_(object) {}
  ~pass_awaiter() {
    if (leave()) object_.give_back();
  }

  [[nodiscard]] bool await_ready() {
    if (object_.try_pass()) return true;
    if (loop::current_or_null() == nullptr) [[unlikely]]
      no_loop_error(Object::name).rethrow();
    return false;
  }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    awaiting_ = awaiting;
    wait_in(object_.waiters(), awaiting.promise().get_stop_token());
  }
  typename Object::value_type await_resume() {
    if (awaiting_ && !take_pass()) [[unlikely]]
      pass_canceled<Object>().rethrow();
    return object_.passed();
  }

 private:
  static void told(sync_waiter& waiter) { static_cast<pass_awaiter&>(waiter).awaiting_.resume(); }

  Object& object_;
  std::coroutine_handle<> awaiting_;
};

template <class Object>
class pass_sender {
 public:
  using sender_concept = sender_tag;
  using value_type = typename Object::value_type;
  explicit pass_sender(Object& object) noexcept : object_(&object) {}

  template <receiver_of<value_type> R>
  auto connect(R receiver) && noexcept {
    return pass_state<Object, R>(*object_, std::move(receiver));
  }
  auto awaited_by(auto&) && noexcept { return pass_awaiter<Object>(*object_); }

 private:
  Object* object_;
};

}  // namespace braid::detail
