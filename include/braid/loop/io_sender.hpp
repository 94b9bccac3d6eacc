#pragma once

#include <cerrno>
#include <concepts>
#include <coroutine>
#include <new>
#include <type_traits>
#include <utility>

#include "braid/base/detail/poison.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/cancellation.hpp"
#include "braid/loop/detail/no_loop_error.hpp"
#include "braid/loop/detail/request_error.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/request.hpp"

namespace braid {

/// What an I/O operation makes of its request: the second half of an io_sender.
///
/// name()                   the call, for messages
/// place(request&)          optional: points the request at what the outcome itself holds, now at rest; 0, an
///                          errno that ends it, or nothing_to_do, which ends it with a result of 0
/// again(result&, request&)  optional: true when the request, changed, must be submitted once more
/// unstoppable              optional: a constant; the operation ignores stop requests
/// takes_turns              optional: a constant; it waits for those that were begun before on its descriptor, whose
///                          file_traits are the outcome's `traits`
/// may_block(request)       optional: may the request block although its descriptor is ready, or has it none?
/// transferred()            optional: what an error says was transferred before it
/// receives                 optional: a constant, true for what receives from a socket
/// is_nop                   optional: a constant; the request completes at once, whatever else there is
/// operator()(result, request)  the value of a request that ended well: result >= 0
/// object()                 optional: what the call was made on, for messages
template <class O>
concept io_outcome = std::move_constructible<O> && requires(O& o, std::int32_t ended, const request& what) {
  typename O::value_type;
  { o.name() } -> std::convertible_to<const char*>;
  { o(ended, what) } -> std::convertible_to<result<typename O::value_type>>;
};

template <io_outcome Outcome>
struct io_sender;

namespace detail {

inline constexpr int nothing_to_do = -1;

template <class Outcome>
concept takes_turns = requires { Outcome::takes_turns; };
template <class Outcome>
using io_course_base = std::conditional_t<takes_turns<Outcome>, turn_operation, io_operation>;

// The way of one request through the loop, for whoever waits: Waiter::told() is called once, from a turn of
// the loop, when there is a final result. The sender is kept by Waiter: in itself, or where the coroutine's
// frame keeps it.
template <class Waiter, io_outcome Outcome>
class io_course : io_course_base<Outcome>, cancellation {
 protected:
  explicit io_course(io_sender<Outcome>& sender) noexcept
      : io_course_base<Outcome>(ended, sender.what), sender_(sender) {}

  // who(Waiter&) is the level that waits, asked where the loop tracks its tasks; captures nothing.
  [[gnu::always_inline]] void begin_on(loop& home, stop_token token, auto who) noexcept {
    if (token.stop_possible()) [[unlikely]]
      if constexpr (!requires { Outcome::unstoppable; }) return begin_stoppable(home, token, who);
    begin(home, who);
  }

  [[nodiscard]] bool has_failed() const noexcept { return result_ < 0; }
  [[nodiscard]] auto value() { return sender_.outcome(result_, sender_.what); }
  [[nodiscard, gnu::cold, gnu::noinline]] error failure() {
    // what it holds ends here; the sender may be kept for longer
    const Outcome spent = std::move(sender_.outcome);
    error failed = [&] {
      if constexpr (requires { spent.object(); }) {
        try {
          return request_error(spent.name(), sender_.what, -result_, spent.object());
        } catch (const std::bad_alloc&) {
          // without the name that it has no memory for
        }
      }
      return request_error(spent.name(), sender_.what, -result_);
    }();
    if constexpr (requires { spent.transferred(); }) failed.set_transferred(spent.transferred());
    return failed;
  }
  [[nodiscard, gnu::cold, gnu::noinline]] error failure_without_loop() const {
    return no_loop_error(sender_.outcome.name());
  }

 private:
  static constexpr bool is_nop = requires { Outcome::is_nop; };
  static constexpr bool receives = [] {
    if constexpr (requires { Outcome::receives; }) return Outcome::receives;
    return false;
  }();

  [[gnu::noinline]] void begin_stoppable(loop& home, stop_token token, auto who) noexcept {
    if (token.stop_requested()) [[unlikely]]
      return give_up(ECANCELED);
    if (begin(home, who)) arm(token, cancel, resumed);
  }
  // False when there is nothing to be stopped.
  [[gnu::always_inline]] bool begin(loop& home, auto who) noexcept {
    if constexpr (requires { sender_.outcome.place(sender_.what); })
      if (const int code = sender_.outcome.place(sender_.what)) [[unlikely]]
        return give_up(code), false;
    submit_to(home, who);
    return true;
  }

  // Not worth a request, but told in a later turn all the same.
  [[gnu::cold, gnu::noinline]] void give_up(int code) noexcept {
    result_ = code == nothing_to_do ? 0 : -code;
    this->finish_by(gave_up);
    loop::current().make_ready(*this);
  }
  static void gave_up(operation_base& base, completion) noexcept {
    static_cast<Waiter&>(static_cast<io_course&>(static_cast<io_operation&>(base))).told();
  }
  static constexpr auto again_for = [](Waiter&) noexcept { return task_tracker::told(); };
  [[nodiscard]] bool may_block() const noexcept {
    if constexpr (requires { sender_.outcome.may_block(sender_.what); })
      return sender_.outcome.may_block(sender_.what);
    return false;
  }
  [[gnu::always_inline]] void submit_to(loop& home, auto who) noexcept {
    if constexpr (!is_nop)
      if (poisons()) [[unlikely]]
        poison_buffer();
    if constexpr (receives) sender_.what.waits_first = home.receives().left_nothing(sender_.what.descriptor);
    const auto level = [this, who]() noexcept { return who(static_cast<Waiter&>(*this)); };
    if constexpr (takes_turns<Outcome>)
      home.submit_in_turn(*this, sender_.outcome.traits, may_block(), level);
    else if (may_block()) [[unlikely]]
      home.submit_blocking(*this, level);
    else
      home.submit<is_nop>(*this, level);
  }

  [[gnu::cold, gnu::noinline]] void poison_buffer() noexcept {
    const request::buffer filled = sender_.what.filled_buffer();
    poison(filled.address, filled.length);
  }
  [[gnu::cold, gnu::noinline]] void unpoison_buffer() noexcept {
    const request::buffer filled = sender_.what.filled_buffer();
    unpoison(filled.address, filled.length);
  }

  // Not noexcept, so that telling is a jump.
  static void ended(operation_base& base, completion with) {
    auto& self = static_cast<io_course&>(static_cast<io_operation&>(base));
    request& what = self.sender_.what;
    if constexpr (!is_nop)
      if (poisons()) [[unlikely]]
        self.unpoison_buffer();
    if constexpr (receives)
      loop::current().receives().note(what.descriptor, (with.flags & completion::more_to_receive) == 0);
    std::int32_t result = with.result;
    if constexpr (takes_turns<Outcome>) loop::current().note_moved(self, result);
    if constexpr (requires { self.sender_.outcome.again(result, what); }) {
      if (self.goes_on(result)) return self.submit_to(loop::current(), again_for);
    }
    if (result < 0) [[unlikely]]
      return self.failed(result);
    self.result_ = result;
    if constexpr (takes_turns<Outcome>) loop::current().end_turn(self);
    if (self.disarm()) [[likely]]
      static_cast<Waiter&>(self).told();
  }

  [[nodiscard]] bool goes_on(std::int32_t& result) noexcept
    requires requires(Outcome& o, request& what) { o.again(result, what); }
  {
    if (result == -EINTR && sender_.what.code != opcode::close)
      return false;  // the same once more: see failed
    if (!sender_.outcome.again(result, sender_.what)) return false;
    if (!requested()) return true;
    result = -ECANCELED;
    return false;
  }

  [[gnu::cold, gnu::noinline]] void failed(std::int32_t result) noexcept {
    if (result == -EINTR && !requested()) return submit_to(loop::current(), again_for);
    result_ = result == -EINTR ? -ECANCELED : result;
    if constexpr (takes_turns<Outcome>) loop::current().end_turn(*this);
    if (disarm()) static_cast<Waiter&>(*this).told();
  }

  static void cancel(cancellation& base) noexcept {
    loop::current().cancel(static_cast<io_course_base<Outcome>&>(static_cast<io_course&>(base)));
  }
  static void resumed(cancellation& base) noexcept {
    static_cast<Waiter&>(static_cast<io_course&>(base)).told();
  }

  io_sender<Outcome>& sender_;
  std::int32_t result_;
};

template <io_outcome Outcome, class R>
class io_state final : io_course<io_state<Outcome, R>, Outcome> {
  using course = io_course<io_state, Outcome>;
  friend course;

 public:
  io_state(io_sender<Outcome>&& sender, R receiver)
      : course(sender_),
        sender_{copy_of(sender.what), std::move(sender.outcome)},
        receiver_(std::move(receiver)) {}

  void start() noexcept {
    if (loop* home = loop::current_or_null()) [[likely]]
      return this->begin_on(*home, receiver_.get_stop_token(),
                            [](io_state& self) noexcept { return self.receiver_.frame(); });
    std::move(receiver_).finish(this->failure_without_loop());
  }

 private:
  void told() noexcept {
    R receiver = std::move(receiver_);
    if (this->has_failed()) [[unlikely]]
      return std::move(receiver).finish(this->failure());
    std::move(receiver).finish(this->value());
  }

  io_sender<Outcome> sender_;
  [[no_unique_address]] R receiver_;
};

// Waits in a coroutine, whose frame keeps the sender until the await has ended: nothing is copied.
template <io_outcome Outcome>
class io_awaiter final : io_course<io_awaiter<Outcome>, Outcome> {
  using course = io_course<io_awaiter, Outcome>;
  friend course;

 public:
  explicit io_awaiter(io_sender<Outcome>& sender) noexcept : course(sender) {}

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
  void told() { std::coroutine_handle<>::from_address(awaiting_).resume(); }

  void* awaiting_;  // a coroutine_handle, which would be set to null first
};

// Waits on a stack of its own, a fiber's, which keeps the sender meanwhile.
template <io_outcome Outcome, class Stack>
class io_stack_waiter final : io_course<io_stack_waiter<Outcome, Stack>, Outcome> {
  using course = io_course<io_stack_waiter, Outcome>;
  friend course;

 public:
  io_stack_waiter(io_sender<Outcome>& sender, Stack& stack) noexcept : course(sender), stack_(stack) {}

  typename Outcome::value_type wait() {
    this->begin_on(loop::current(), stack_.get_stop_token(),
                   [](io_stack_waiter& self) noexcept { return self.stack_.frame(); });
    stack_.suspend();
    if (this->has_failed()) [[unlikely]]
      return Stack::template failed_await<typename Outcome::value_type>(this->failure());
    return this->value().value();
  }

 private:
  void told() noexcept { stack_.resume(); }

  Stack& stack_;
};

}  // namespace detail

/// A sender that is one request, and what to make of its completion.
///
/// Lifetime  the memory that the request names stays alive until the operation ends. Under AddressSanitizer a
///           buffer that is read into is poisoned until then.
/// Threads   starts, ends and is told on the current loop's thread.
/// Errors    std::error_code of the request's errno; std::logic_error on a thread without a loop.
/// Cancel    asks the kernel; ends as operation_canceled, or with what it had achieved, never before the
///           kernel is done with the memory. EINTR is tried again, EAGAIN (of O_NONBLOCK descriptors) waited
///           out.
/// Cost      one submission; no allocation.
template <io_outcome Outcome>
struct io_sender {
  using sender_concept = sender_tag;
  static constexpr bool completes_later = true;
  /// In a coroutine: the check there would hide from the compiler what it knows of the request (10
  /// instructions).
  static constexpr bool notes_its_await = true;
  using value_type = typename Outcome::value_type;

  request what;
  [[no_unique_address]] Outcome outcome;

  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return detail::io_state<Outcome, R>(std::move(*this), std::move(receiver));
  }
  /// For a coroutine's promise: waits without an operation state of its own.
  auto awaited_by(auto&) && noexcept { return detail::io_awaiter<Outcome>(*this); }
  /// For a fiber: the same.
  template <class Stack>
  value_type waited_on(Stack& stack) && {
    return detail::io_stack_waiter<Outcome, Stack>(*this, stack).wait();
  }
};

}  // namespace braid
