#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/base/detail/nothrow_movable.hpp"
#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/sync/detail/claim_sender.hpp"

namespace braid {

/// A value that changes, for readers that want the latest one: a slow reader does not see the values in
/// between.
///
///     watch<int> volume(5);
///     auto knob = volume.read();
///     volume.set(7);
///     volume.close();
///     while (const auto latest = co_await knob.receive()) use(*latest);  // 7, then the end
///
/// Lifetime  outlives its readers.
/// Threads   one loop's.
/// Cost      one copy of the value for each receive; no allocation, except for a T whose move may throw.
template <class T>
class watch : pinned {
  static_assert(std::is_copy_constructible_v<T>, "each reader gets a copy: watch a std::shared_ptr<const T>");
  struct receiving;

 public:
  /// Receives the changes. Its first value is the present one.
  ///
  /// Lifetime  outlives the operations that wait on it.
  class reader : pinned {
   public:
    /// A sender of std::optional<T>: the latest value, as soon as this reader has not received it; empty once
    /// the watch is closed and the last value was received. Of several receives at once each gets a different
    /// value.
    /// Cancel  a cancelled receive has received nothing.
    [[nodiscard]] auto receive() noexcept { return detail::claim_sender(receiving{this}); }

   private:
    friend watch;
    explicit reader(watch& of) noexcept : of_(of) {}
    [[nodiscard]] bool has_news() const noexcept { return seen_ != of_.version_ && !promised_; }
    watch& of_;
    std::uint64_t seen_ = 0;
    bool promised_ = false;  // a value was handed over to a receive, which has not taken it yet
  };

  explicit watch(T value) : value_(std::move(value)) {}

  [[nodiscard]] reader read() noexcept { return reader(*this); }
  /// The latest value, until the next set.
  [[nodiscard]] const T& get() const noexcept { return detail::unboxed(value_); }
  /// Sets the value and wakes waiting readers. Throws errc::channel_closed after close(), and what moving the
  /// value throws; then the old value stays.
  void set(T value) {
    if (closed_) error(make_error_code(errc::channel_closed), "watch::set").rethrow();
    detail::nothrow_movable<T> next(std::move(value));
    std::destroy_at(&value_);
    std::construct_at(&value_, std::move(next));
    ++version_;
    wake();
  }
  /// Says that no other value follows. Closing twice is no error.
  void close() noexcept {
    closed_ = true;
    wake();
  }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }

 private:
  struct receiving {
    using value_type = std::optional<T>;
    static constexpr const char* name = "watch::receive";
    explicit receiving(reader* which) noexcept : on(which) {}
    [[nodiscard]] bool try_now() noexcept {
      if (!on->has_news()) return on->of_.closed_;
      return promised = on->promised_ = true;
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->of_.waiters_; }
    // If copying throws, the value stays for the next receive.
    [[nodiscard]] std::optional<T> take() {
      if (!promised) return std::nullopt;  // the watch is closed
      struct hand_over_to_next {
        receiving& claim;
        ~hand_over_to_next() { claim.give_back(); }
      } const afterwards{*this};
      std::optional<T> latest(std::in_place, on->of_.get());
      on->seen_ = on->of_.version_;
      return latest;
    }
    void give_back() noexcept {
      if (!std::exchange(promised, false)) return;
      on->promised_ = false;
      if (on->has_news()) on->of_.wake();
    }
    reader* on;
    bool promised = false;  // the latest value is reserved for it
  };
  void wake() noexcept {
    detail::waiter_queue all;
    while (!waiters_.empty()) all.push_back(waiters_.pop_front());
    while (!all.empty()) {
      detail::sync_waiter& each = all.pop_front();
      if (detail::queued_claim<receiving>::claim_of(each).try_now())
        each.hand_over();
      else
        waiters_.push_back(each);
    }
  }

  detail::nothrow_movable<T> value_;
  std::uint64_t version_ = 1;
  bool closed_ = false;
  detail::waiter_queue waiters_;
};

}  // namespace braid
