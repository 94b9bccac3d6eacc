#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/sync/waiting.hpp"

namespace braid {

/// A value that changes, and readers who want the latest: what came between is of no interest to who was
/// slow.
///
/// Lifetime  outlives its readers.
/// Threads   one loop's.
/// Cost      no allocation; one copy of the value for each who receives it.
template <class T>
class watch : pinned {
  static_assert(std::is_copy_constructible_v<T>, "each reader gets a copy: watch a std::shared_ptr<const T>");
  struct receiving;

 public:
  /// One who wants to know. It has seen nothing yet, so that the value of today is its first.
  ///
  /// Lifetime  outlives who waits on it.
  class reader : pinned {
   public:
    /// A sender of std::optional<T>, one at a time: the latest value, as soon as it is one that this reader
    /// has not received; none once the watch is closed and the last one was.
    /// Cancel  it has received nothing.
    [[nodiscard]] auto receive() noexcept { return detail::claim_sender(receiving{*this}); }

   private:
    friend watch;
    explicit reader(watch& of) noexcept : of_(of) {}
    watch& of_;
    std::uint64_t seen_ = 0;
  };

  explicit watch(T value) : value_(std::move(value)) {}

  [[nodiscard]] reader read() noexcept { return reader(*this); }
  /// The latest value.
  [[nodiscard]] const T& get() const noexcept { return value_; }
  /// Tells all who wait. Throws errc::channel_closed once it is closed.
  void set(T value) {
    if (closed_) error(make_error_code(errc::channel_closed), "watch::set").rethrow();
    value_ = std::move(value);
    ++version_;
    wake();
  }
  /// There will be no other value. Closing twice is no error.
  void close() noexcept {
    closed_ = true;
    wake();
  }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }

 private:
  struct receiving {
    using value_type = std::optional<T>;
    static constexpr const char* name = "watch::receive";
    explicit receiving(reader& which) noexcept : on(&which) {}
    [[nodiscard]] bool try_pass() const noexcept { return has_news() || on->of_.closed_; }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return on->of_.waiters_; }
    [[nodiscard]] std::optional<T> take() {
      if (!has_news() && on->of_.closed_) return std::nullopt;
      std::optional<T> latest(on->of_.value_);
      on->seen_ = on->of_.version_;
      return latest;
    }
    void give_back() const noexcept {}
    [[nodiscard]] bool has_news() const noexcept { return on->seen_ != on->of_.version_; }
    reader* on;
  };
  void wake() noexcept {
    while (!waiters_.empty()) waiters_.pop_front().pass();
  }

  T value_;
  std::uint64_t version_ = 1;
  bool closed_ = false;
  detail::waiter_queue waiters_;
};

}  // namespace braid
