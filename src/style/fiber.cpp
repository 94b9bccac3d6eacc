#include "braid/style/fiber.hpp"

#include <cxxabi.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/context/detail/fcontext.hpp>
#include <memory>
#include <new>
#include <vector>

#include "braid/base/poison.hpp"
#include "stack_switch.hpp"

namespace braid {

namespace context = boost::context::detail;

namespace {

// What the C++ runtime keeps for each thread about exceptions being handled: each stack needs its own.
struct exception_state {
  void* caught = nullptr;
  unsigned uncaught = 0;
};

exception_state& exceptions_here() noexcept {
  return *reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
}

std::size_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

struct fiber::machine {
  machine(char* memory, std::size_t mapped) noexcept
      : memory_(memory), mapped_(mapped), annotations_(memory + page_bytes(), mapped - page_bytes()) {
    inside_ = context::make_fcontext(memory + mapped, mapped - page_bytes(), entry);
  }
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;
  // What AddressSanitizer has marked on the stack would else be held against whatever is mapped there next.
  ~machine() {
    unpoison(memory_ + page_bytes(), mapped_ - page_bytes());
    ::munmap(memory_, mapped_);
  }

  // The lowest page may not be touched: what overflows the stack traps there.
  static machine* map(std::size_t stack_bytes) {
    const std::size_t page = page_bytes();
    const std::size_t mapped = (stack_bytes + page - 1) / page * page + page;
    void* memory = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    if (::mprotect(memory, page, PROT_NONE) != 0) {
      ::munmap(memory, mapped);
      throw std::bad_alloc();
    }
    return new machine(static_cast<char*>(memory), mapped);
  }

  // Everything that a stack has of its own and a thread keeps elsewhere changes hands.
  void exchange_thread_state(exception_state& exceptions) noexcept {
    std::swap(exceptions_, exceptions);
    std::swap(transfers_, transfers);
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

  char* const memory_;
  const std::size_t mapped_;
  context::fcontext_t inside_ = nullptr;   // the suspended job
  context::fcontext_t outside_ = nullptr;  // who resumed it
  exception_state exceptions_;
  transfer_state transfers_;
  stack_switch annotations_;
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
  task_tracker::begins(frame_, level_kind::fiber);
}

void fiber::comes_to_await_otherwise() {
  if (unwinding_) throw std::system_error(std::make_error_code(std::errc::operation_canceled), "await");
  task_tracker::awaits(loop::current_or_null(), frame_);
}

// A thread's fibers that nobody leases, all of one stack size.
struct fiber_pool {
  ~fiber_pool() {
    for (fiber* each : idle) discard(each);
  }
  static void discard(fiber* one) noexcept {
    std::unique_ptr<fiber::machine> inside(&one->machine_);
    delete one;
  }
  static fiber* make(std::size_t bytes) {
    std::unique_ptr<fiber::machine> inside(fiber::machine::map(bytes));
    auto* made = new fiber(*inside);
    inside.release();
    return made;
  }
  static constexpr std::size_t kept = 4096;
  std::size_t stack_bytes = 0;
  std::vector<fiber*> idle;
};

namespace {
thread_local fiber_pool pool;
}

fiber& fiber::lease(std::size_t stack_bytes) {
  constexpr std::size_t least = 2 * transfer_state::most_bytes;  // so far down coroutines call each other
  if (stack_bytes < least) stack_bytes = least;
  if (pool.stack_bytes != stack_bytes) {
    for (fiber* each : std::exchange(pool.idle, {})) fiber_pool::discard(each);
    pool.stack_bytes = stack_bytes;
    pool.idle.reserve(fiber_pool::kept);
  }
  if (pool.idle.empty()) return *fiber_pool::make(stack_bytes);
  fiber* leased = pool.idle.back();
  pool.idle.pop_back();
  return *leased;
}

void fiber::release() noexcept {
  if (!ended_) {
    unwinding_ = true;
    while (!ended_) enter();
    unwinding_ = false;
  }
  if (std::exchange(tracked_, false)) task_tracker::ends_here(frame_);
  if (pool.idle.size() < fiber_pool::kept)
    pool.idle.push_back(this);
  else
    fiber_pool::discard(this);
}

}  // namespace braid
