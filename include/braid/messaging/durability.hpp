#pragma once

#include <cstdint>

#include "braid/loop/clock.hpp"

namespace braid::messaging {

/// How durable a record is when its append ends.
///
///     co_await journal.append("paid", messaging::durability::written);
///     co_await journal.append("seen", messaging::durability::interval(100ms));
class durability {
 public:
  enum class level : std::uint8_t { synced, written, interval };

  /// The bytes are on the device: neither the end of the process nor a power failure takes them away.
  static const durability synced;
  /// The system has the bytes: the end of the process does not take them away, a power failure may.
  static const durability written;
  /// As written, and at most so much later the log makes them durable by itself: a power failure takes away
  /// the appends of that time at most.
  [[nodiscard]] static constexpr durability interval(loop_clock::duration time) noexcept {
    return {level::interval, time};
  }

  [[nodiscard]] constexpr level kind() const noexcept { return kind_; }
  /// Of an interval.
  [[nodiscard]] constexpr loop_clock::duration time() const noexcept { return time_; }
  friend constexpr bool operator==(const durability&, const durability&) = default;

 private:
  constexpr durability(level kind, loop_clock::duration time) noexcept : time_(time), kind_(kind) {}
  loop_clock::duration time_;
  level kind_;
};

inline constexpr durability durability::synced{level::synced, {}};
inline constexpr durability durability::written{level::written, {}};

}  // namespace braid::messaging
