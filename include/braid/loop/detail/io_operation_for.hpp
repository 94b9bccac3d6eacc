#pragma once

#include <cerrno>
#include <coroutine>
#include <new>
#include <type_traits>
#include <utility>

#include "braid/base/detail/poison.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/detail/hooks_of.hpp"
#include "braid/loop/detail/request_error.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "braid/loop/io_outcome.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid {
template <io_outcome Outcome>
struct io_sender;
}  // namespace braid

namespace braid::detail {

template <class Outcome>
using operation_type_of =
    std::conditional_t<hooks_of<Outcome>::usable.takes_turns, turn_operation, io_operation>;

// Takes one request through the loop on behalf of Waiter, which derives from it. A turn of the loop calls
// Waiter::on_finish() once, when there is a final result. Waiter keeps the sender alive: as a member, or in
// the coroutine's frame.
template <class Waiter, io_outcome Outcome>
class io_operation_for : operation_type_of<Outcome>, cancellation {
  static constexpr io_hooks hooks = hooks_of<Outcome>::usable;

 protected:
  explicit io_operation_for(io_sender<Outcome>& sender) noexcept
      : operation_type_of<Outcome>(on_completion, sender.what) {}

  // frame(Waiter&) returns the waiting frame. It captures nothing, and is called only where the loop tracks
  // its tasks.
  [[gnu::always_inline]] void begin_on(loop& home, stop_token token, auto frame) noexcept {
    if (token.stop_possible()) [[unlikely]]
      if constexpr (!hooks.unstoppable) return begin_stoppable(home, token, frame);
    begin(home, frame);
  }

  [[nodiscard]] bool has_failed() const noexcept { return result_ < 0; }
  [[nodiscard]] auto value() { return sender().outcome(result_, sender().what); }
  [[nodiscard, gnu::cold, gnu::noinline]] error failure() {
    // Moved out, so that its members end here: the sender may live longer.
    const Outcome spent = std::move(sender().outcome);
    error failed = [&] {
      if constexpr (hooks.object) {
        try {
          return request_error(spent.name(), sender().what, -result_, spent.object());
        } catch (const std::bad_alloc&) {
          // the error goes without the object's name
        }
      }
      return request_error(spent.name(), sender().what, -result_);
    }();
    if constexpr (hooks.transferred) failed.set_transferred(spent.transferred());
    return failed;
  }
  [[nodiscard, gnu::cold, gnu::noinline]] error failure_without_loop() const {
    return no_loop_error(sender().outcome.name());
  }

 private:
  [[gnu::noinline]] void begin_stoppable(loop& home, stop_token token, auto frame) noexcept {
    if (token.stop_requested()) [[unlikely]]
      return give_up(ECANCELED);
    if (begin(home, frame)) arm<on_stop, on_late_stop>(token);
  }
  // False when no request was submitted, so that there is nothing to stop.
  [[gnu::always_inline]] bool begin(loop& home, auto frame) noexcept {
    if constexpr (hooks.prepare)
      if (const int code = sender().outcome.prepare(sender().what)) [[unlikely]]
        return give_up(code), false;
    if constexpr (hooks.may_be_cached)
      if (sender().outcome.may_be_cached()) return begin_at_cache(home, frame);
    submit_to(home, frame);
    return true;
  }
  // What is in memory needs no request. It is the operation's result in a later turn, and nothing stops it.
  [[nodiscard, gnu::noinline]] bool begin_at_cache(loop& home, auto frame) noexcept {
    if constexpr (hooks.takes_turns) {
      const auto waiting = [this, frame]() noexcept { return frame(static_cast<Waiter&>(*this)); };
      if (!home.operations().take_turn(*this, sender().outcome.traits, waiting)) return true;
    }
    result_ = home.operations().read_cached(sender().what);
    if (result_ < 0) {
      submit_to(home, frame);
      return true;
    }
    this->finish_by(on_cached);
    home.operations().make_ready(*this);
    return false;
  }
  static void on_cached(operation_base& base, completion) {
    auto& self = static_cast<io_operation_for&>(static_cast<io_operation&>(base));
    self.finish_by(on_completion);
    if constexpr (hooks.again)
      if (self.goes_on(self.result_)) return self.submit_to(loop::current(), again_for);
    if constexpr (hooks.takes_turns) loop::current().operations().end_turn(self);
    static_cast<Waiter&>(self).on_finish();
  }

  // Finishes without a request, but still in a later turn.
  [[gnu::cold, gnu::noinline]] void give_up(int code) noexcept {
    result_ = code == nothing_to_do ? 0 : -code;
    this->finish_by(on_give_up);
    loop::current().operations().make_ready(*this);
  }
  static void on_give_up(operation_base& base, completion) noexcept {
    static_cast<Waiter&>(static_cast<io_operation_for&>(static_cast<io_operation&>(base))).on_finish();
  }
  static constexpr auto again_for = [](Waiter&) noexcept { return task_tracker::finishing(); };
  [[nodiscard]] bool may_block() const noexcept {
    if constexpr (hooks.may_block) return sender().outcome.may_block(sender().what);
    return false;
  }
  [[gnu::always_inline]] void submit_to(loop& home, auto frame) noexcept {
    if constexpr (!hooks.is_nop)
      if (poisons()) [[unlikely]]
        poison_buffer();
    if constexpr (hooks.receives)
      sender().what.waits_first = home.operations().receives().left_nothing(sender().what.descriptor);
    const auto waiting = [this, frame]() noexcept { return frame(static_cast<Waiter&>(*this)); };
    if constexpr (hooks.takes_turns)
      home.operations().submit_in_turn(*this, sender().outcome.traits, may_block(), waiting);
    else if (may_block()) [[unlikely]]
      home.operations().submit_blocking(*this, waiting);
    else
      home.operations().submit<hooks.is_nop>(*this, waiting);
  }

  [[gnu::cold, gnu::noinline]] void poison_buffer() noexcept {
    const request::buffer filled = sender().what.filled_buffer();
    poison(filled.address, filled.length);
  }
  [[gnu::cold, gnu::noinline]] void unpoison_buffer() noexcept {
    const request::buffer filled = sender().what.filled_buffer();
    unpoison(filled.address, filled.length);
  }

  // Not noexcept, so that the call of on_finish compiles to a jump.
  static void on_completion(operation_base& base, completion with) {
    auto& self = static_cast<io_operation_for&>(static_cast<io_operation&>(base));
    request& what = self.sender().what;
    if constexpr (!hooks.is_nop)
      if (poisons()) [[unlikely]]
        self.unpoison_buffer();
    if constexpr (hooks.receives)
      loop::current().operations().receives().note(what.descriptor,
                                                   (with.flags & completion::more_to_receive) == 0);
    std::int32_t result = with.result;
    if constexpr (hooks.takes_turns) loop::current().operations().note_moved(self, result);
    if constexpr (hooks.again) {
      if (self.goes_on(result)) return self.submit_to(loop::current(), again_for);
    }
    if (result < 0) [[unlikely]]
      return self.failed(result);
    self.result_ = result;
    if constexpr (hooks.takes_turns) loop::current().operations().end_turn(self);
    if (self.disarm()) [[likely]]
      static_cast<Waiter&>(self).on_finish();
  }

  [[nodiscard]] bool goes_on(std::int32_t& result) noexcept
    requires(hooks_of<Outcome>::usable.again)
  {
    if (result == -EINTR && sender().what.code != opcode::close)
      return false;  // failed() submits the same request again
    if (!sender().outcome.again(result, sender().what)) return false;
    if (!requested()) return true;
    result = -ECANCELED;
    return false;
  }

  [[gnu::cold, gnu::noinline]] void failed(std::int32_t result) noexcept {
    if (result == -EINTR && !requested()) return submit_to(loop::current(), again_for);
    result_ = result == -EINTR ? -ECANCELED : result;
    if constexpr (hooks.takes_turns) loop::current().operations().end_turn(*this);
    if (disarm()) static_cast<Waiter&>(*this).on_finish();
  }

  static void on_stop(cancellation& base) noexcept {
    loop::current().operations().cancel(
        static_cast<operation_type_of<Outcome>&>(static_cast<io_operation_for&>(base)));
  }
  static void on_late_stop(cancellation& base) noexcept {
    static_cast<Waiter&>(static_cast<io_operation_for&>(base)).on_finish();
  }

  // The request is the first member of the sender.
  [[nodiscard]] io_sender<Outcome>& sender() const noexcept {
    return *reinterpret_cast<io_sender<Outcome>*>(const_cast<request*>(&this->what()));
  }

  std::int32_t result_;  // the first member, in the padding of cancellation
};

template <io_outcome Outcome, class R>
class io_state final : io_operation_for<io_state<Outcome, R>, Outcome> {
  using base = io_operation_for<io_state, Outcome>;
  friend base;

 public:
  io_state(io_sender<Outcome>&& sender, R receiver)
      : base(sender_),
        sender_{copy_of(sender.what), std::move(sender.outcome)},
        receiver_(std::move(receiver)) {}

  void start() noexcept {
    if (loop* home = loop::current_or_null()) [[likely]]
      return this->begin_on(*home, receiver_.get_stop_token(),
                            [](io_state& self) noexcept { return self.receiver_.frame(); });
    std::move(receiver_).finish(this->failure_without_loop());
  }

 private:
  void on_finish() noexcept {
    R receiver = std::move(receiver_);
    if (this->has_failed()) [[unlikely]]
      return std::move(receiver).finish(this->failure());
    std::move(receiver).finish(this->value());
  }

  io_sender<Outcome> sender_;
  [[no_unique_address]] R receiver_;
};

// The awaiter of a coroutine. The coroutine's frame keeps the sender until the await ends, so nothing is
// copied.
template <io_outcome Outcome>
class io_awaiter final : io_operation_for<io_awaiter<Outcome>, Outcome> {
  using base = io_operation_for<io_awaiter, Outcome>;
  friend base;

 public:
  explicit io_awaiter(io_sender<Outcome>& sender) noexcept : base(sender) {}

  [[nodiscard]] bool await_ready() const {
    if (loop::current_or_null() == nullptr) [[unlikely]]
      this->failure_without_loop().rethrow();
    return false;
  }
  template <class Promise>
  [[gnu::always_inline]] void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    awaiting_ = awaiting.address();
    this->begin_on(
        *loop::current_or_null(), awaiting.promise().get_stop_token(), [](io_awaiter& self) noexcept {
          Promise& promise = std::coroutine_handle<Promise>::from_address(self.awaiting_).promise();
          promise.note_await();
          return promise.frame();
        });
  }
  typename Outcome::value_type await_resume() {
    if (this->has_failed()) [[unlikely]]
      this->failure().rethrow();
    return this->value().value();
  }

 private:
  void on_finish() { std::coroutine_handle<>::from_address(awaiting_).resume(); }

  void* awaiting_;  // an address, since a coroutine_handle would be set to null first
};

// The waiter of a fiber, whose stack keeps the sender meanwhile.
template <io_outcome Outcome, class Stack>
class io_stack_waiter final : io_operation_for<io_stack_waiter<Outcome, Stack>, Outcome> {
  using base = io_operation_for<io_stack_waiter, Outcome>;
  friend base;

 public:
  io_stack_waiter(io_sender<Outcome>& sender, Stack& stack) noexcept : base(sender), stack_(stack) {}

  typename Outcome::value_type wait() {
    this->begin_on(loop::current(), stack_.get_stop_token(),
                   [](io_stack_waiter& self) noexcept { return self.stack_.frame(); });
    stack_.suspend();
    if (this->has_failed()) [[unlikely]]
      return Stack::template failed_await<typename Outcome::value_type>(this->failure());
    return this->value().value();
  }

 private:
  void on_finish() noexcept { stack_.resume(); }

  Stack& stack_;
};

}  // namespace braid::detail
