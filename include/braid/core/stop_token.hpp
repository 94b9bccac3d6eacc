#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/base/stop_reason.hpp"

namespace braid {

class stop_source;
class stop_callback_base;

/// A copyable pointer to a stop_source, or to none, that tells whether stop was requested.
///
///     task<> poll(stop_token until) {
///       while (!until.stop_requested()) co_await sleep_for(1s);
///     }
///
/// Lifetime  its source must outlive it.
/// Threads   any.
class stop_token {
 public:
  stop_token() = default;
  /// If false, stop is never requested and no callback need be registered.
  [[nodiscard]] bool stop_possible() const noexcept { return source_ != nullptr; }
  [[nodiscard]] bool stop_requested() const noexcept;
  /// Why, or stop_reason::none if it was not. A clean-up that runs because of the request may ask, too:
  ///
  ///     const stop_token stop = co_await get_stop_token();
  ///     const auto say_why = [stop]() -> task<> {
  ///       log(stop.reason() == stop_reason::timed_out ? "too slow" : "not needed any more");
  ///       co_return;
  ///     };
  ///     co_await finally(fetch("page"), say_why);
  [[nodiscard]] stop_reason reason() const noexcept;
  friend bool operator==(stop_token, stop_token) = default;

 private:
  friend class stop_source;
  friend class stop_callback_base;
  explicit stop_token(stop_source* source) noexcept : source_(source) {}
  stop_source* source_ = nullptr;
};

/// The source of one stop request, which every holder of its token sees.
///
///     stop_source stop;
///     future<std::string> page = spawn(with_stop_token(fetch("page"), stop.get_token()));
///     stop.request_stop();
///     const auto text = co_await as_result(std::move(page));  // most likely operation_canceled
///
/// Lifetime  pinned; must outlive its tokens and callbacks. A callback may destroy it, on the thread that
///           requests stop.
/// Threads   any; callbacks run on the thread that requests stop, before request_stop returns. A callback may
///           request stop at another source, to any depth.
/// Cost      24 bytes, no allocation; registering and unregistering take one uncontended spin lock each.
/// Source    P2300's inplace_stop_source.
class stop_source : pinned {
 public:
  stop_source() = default;
  ~stop_source() {
    if ((reinterpret_cast<std::uintptr_t>(callbacks_) | reinterpret_cast<std::uintptr_t>(asking_)) != 0)
        [[unlikely]]
      ends_early();
  }

  /// The token is valid as long as this source exists.
  [[nodiscard]] stop_token get_token() noexcept { return stop_token{this}; }
  [[nodiscard]] bool stop_requested() const noexcept {
    return (state_.load(std::memory_order_acquire) & requested) != 0;
  }
  /// Why, or stop_reason::none if it was not.
  [[nodiscard]] stop_reason reason() const noexcept {
    return static_cast<stop_reason>(state_.load(std::memory_order_acquire) >> reason_shift);
  }
  /// True for the first call, which makes the request, and whose reason stays.
  bool request_stop(stop_reason why = stop_reason::requested) noexcept;

 private:
  friend class stop_callback_base;
  // Two flags, and the reason above them.
  using word = std::uint32_t;
  static constexpr word requested = 1, locked = 2, reason_shift = 2;

  word lock() noexcept;
  void unlock(word state) noexcept { state_.store(state, std::memory_order_release); }
  bool add(stop_callback_base& callback) noexcept;  // false when stop was requested already
  void remove(stop_callback_base& callback) noexcept;
  [[gnu::noinline]] void remove_executing(stop_callback_base& callback, word state) noexcept;
  void run_callbacks(word state) noexcept;
  [[gnu::cold]] void ends_early() noexcept;

  // The request in progress, while its callbacks run.
  struct asking {
    const std::thread::id by = std::this_thread::get_id();
    bool source_gone = false;  // a callback has destroyed the source
  };

  std::atomic<word> state_{0};
  // under the lock
  stop_callback_base* callbacks_ = nullptr;
  asking* asking_ = nullptr;
};
static_assert(sizeof(stop_source) == 24);

inline bool stop_token::stop_requested() const noexcept {
  return source_ != nullptr && source_->stop_requested();
}

inline stop_reason stop_token::reason() const noexcept {
  return source_ != nullptr ? source_->reason() : stop_reason::none;
}

// One registration with a stop_source: pinned, intrusive. Use stop_callback.
class stop_callback_base : pinned {
 protected:
  using execute_fn = void(stop_callback_base&, stop_reason) noexcept;
  explicit stop_callback_base(execute_fn& execute) noexcept : execute_(&execute) {}
  void attach(stop_token to) noexcept;  // runs execute at once if stop was requested already
  void unregister() noexcept;  // waits for an execute that runs on another thread

 private:
  friend class stop_source;
  execute_fn* execute_;
  std::atomic<stop_source*> source_{nullptr};  // null while not registered, and once execute has run
  // under the source's lock, once it is registered
  stop_callback_base** link_;  // null from when execute begins
  union {
    stop_callback_base* next_;  // before that
    bool* gone_;  // while execute runs: set if execute destroys this registration
  };
};

/// Calls f(), or f(why) if it takes the reason, once when stop is requested; if that has happened already,
/// within the constructor.
///
///     const stop_token token = co_await get_stop_token();
///     const stop_callback on_stop(token, []() noexcept { log("stop was requested"); });
///
/// Lifetime  pinned. The destructor waits while f runs on another thread; f may destroy its own callback.
/// Threads   f runs on the thread that requests stop.
template <class F>
class stop_callback : stop_callback_base {
  static constexpr bool takes_reason = std::is_invocable_v<F&, stop_reason>;
  static_assert(std::is_nothrow_invocable_v<F&> || std::is_nothrow_invocable_v<F&, stop_reason>);
  static_assert(
      !requires { typename std::invoke_result_t<F&>::sender_concept; },
      "stop_callback drops the sender that f returns: detach it in f");

 public:
  stop_callback(stop_token token, F f) noexcept : stop_callback_base(execute), f_(std::move(f)) {
    if (token.stop_possible()) attach(token);
  }
  ~stop_callback() { unregister(); }

 private:
  static void execute(stop_callback_base& base, [[maybe_unused]] stop_reason why) noexcept {
    auto& f = static_cast<stop_callback&>(base).f_;
    if constexpr (takes_reason)
      f(why);
    else
      f();
  }
  [[no_unique_address]] F f_;
};

}  // namespace braid
