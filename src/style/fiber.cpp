#include "braid/style/fiber.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <memory>
#include <utility>

#include "braid/base/detail/stack_switch.hpp"
#include "fiber_stacks.hpp"

namespace braid {

namespace context = boost::context::detail;

namespace {

// The C++ runtime's state of the exceptions being handled. It is per thread, but each stack needs its own.
struct exception_state {
  void* caught = nullptr;
  unsigned uncaught = 0;
};

exception_state& exceptions_here() noexcept {
  return *reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
}

}  // namespace

struct fiber::machine {
  explicit machine(const fiber_stack& on) noexcept : stack(on), annotations_(on.bottom, on.bytes) {
    inside_ = context::make_fcontext(on.bottom + on.bytes, on.bytes, entry);
  }
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  // Swaps the state that belongs to a stack but is stored per thread.
  void exchange_thread_state(exception_state& exceptions) noexcept {
    std::swap(exceptions_, exceptions);
    std::swap(transfers_, detail::transfers);
  }

  static void entry(context::transfer_t from) {
    auto* self = static_cast<fiber*>(from.data);
    self->machine_.outside_ = from.fctx;
    self->machine_.annotations_.entered();
    for (;;) {
      self->job_(self->argument_);
      self->ended_ = true;
      self->suspend();
    }
  }

  const fiber_stack stack;
  fiber* next_idle = nullptr;  // in the pool
  context::fcontext_t inside_ = nullptr;   // the suspended job
  context::fcontext_t outside_ = nullptr;  // the caller that resumed it
  exception_state exceptions_;
  detail::transfer_state transfers_;
  detail::stack_switch annotations_;
};

[[gnu::always_inline]] inline void fiber::enter() noexcept {
  fiber* const outer = std::exchange(current_, this);
  exception_state& exceptions = exceptions_here();
  machine_.exchange_thread_state(exceptions);
  machine_.annotations_.entering();
  machine_.inside_ = context::jump_fcontext(machine_.inside_, this).fctx;
  machine_.annotations_.left();
  machine_.exchange_thread_state(exceptions);
  current_ = outer;
}

[[gnu::always_inline]] inline void fiber::leave() noexcept {
  machine_.annotations_.leaving();
  machine_.outside_ = context::jump_fcontext(machine_.outside_, nullptr).fctx;
  machine_.annotations_.entered();
}

void fiber::suspend() noexcept { leave(); }

void fiber::begin(job_fn& job, job_fn& done, void* argument) noexcept {
  job_ = &job;
  done_ = &done;
  argument_ = argument;
  ended_ = false;
  resume();
}

void fiber::resume() noexcept {
  BRAID_ASSERT(!ended_);
  enter();
  if (ended_) done_(argument_);
}

void fiber::begin_tracked() noexcept {
  tracked_ = true;
  detail::task_tracker::begins(frame_, frame_kind::fiber);
}

bool fiber::await_slow() noexcept {
  if (unwinding_) return false;
  detail::task_tracker::awaits(loop::current_or_null(), frame_);
  return true;
}

error fiber::unwound() { return {std::make_error_code(std::errc::operation_canceled), "await"}; }

// A thread's idle fibers, all of one stack size. It is trivially destructible and usable until the thread has
// ended, because a loop may be a static or thread_local object. A closed pool discards fibers instead of
// keeping them.
struct fiber_pool {
  static constexpr std::size_t most_idle = 4096;

  [[nodiscard]] fiber* make(std::size_t bytes) {
    const fiber_stack stack = stacks.take(bytes);
    try {
      auto inside = std::make_unique<fiber::machine>(stack);
      auto* made = new fiber(*inside);
      (void)inside.release();
      return made;
    } catch (...) {
      stacks.give_back(stack);
      throw;
    }
  }
  void discard(fiber* one) noexcept {
    const std::unique_ptr<fiber::machine> inside(&one->machine_);
    delete one;
    stacks.give_back(inside->stack);
  }
  [[nodiscard]] fiber* take() noexcept {
    fiber* const taken = idle;
    if (taken == nullptr) return nullptr;
    idle = taken->machine_.next_idle;
    --idle_count;
    return taken;
  }
  void put_back(fiber* one) noexcept {
    if (closed || one->machine_.stack.bytes != stack_bytes || idle_count == most_idle) return discard(one);
    one->machine_.next_idle = std::exchange(idle, one);
    ++idle_count;
  }
  void discard_idle() noexcept {
    while (fiber* const each = take()) discard(each);
  }

  fiber_stacks stacks;
  std::size_t stack_bytes = 0;
  fiber* idle = nullptr;
  std::size_t idle_count = 0;
  bool closed = false;
};

namespace {

constinit thread_local fiber_pool pool;

// Closes the pool when the thread's other objects are destroyed. It is constructed at the pool's first use.
struct pool_closer {
  ~pool_closer() {
    pool.closed = true;
    pool.discard_idle();
  }
  bool exists = false;
};
thread_local pool_closer closer;

}  // namespace

fiber& fiber::lease(std::size_t stack_bytes) {
  constexpr std::size_t least =
      2 * detail::transfer_state::most_bytes;  // coroutine calls nest up to most_bytes deep
  stack_bytes = (std::max(stack_bytes, least) + page_bytes() - 1) / page_bytes() * page_bytes();
  if (pool.stack_bytes != stack_bytes) {
    if (!pool.closed) closer.exists = true;
    pool.discard_idle();
    pool.stack_bytes = stack_bytes;
  }
  fiber* const idle = pool.take();
  return idle != nullptr ? *idle : *pool.make(stack_bytes);
}

void fiber::release() noexcept {
  if (!ended_) {
    unwinding_ = true;
    while (!ended_) enter();
    unwinding_ = false;
  }
  if (std::exchange(tracked_, false)) detail::task_tracker::ends_here(frame_);
  pool.put_back(this);
}

}  // namespace braid
