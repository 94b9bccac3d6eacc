#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace stage {

/// A record of events in their order.
/// Threads  any; the order is that of the calls.
class story {
 public:
  story() { told_.reserve(64); }  // so that tell() does not allocate

  void tell(std::string_view event);
  /// Counts an event that happens too often to be listed.
  void tick();
  /// Replaces an event that is too long for a table by a shorter text.
  void shorten(std::string_view event, std::string_view words);
  void clear();

  /// The events without the ticks.
  [[nodiscard]] std::vector<std::string> events() const;
  /// The position of an event; the number of events if it is not there.
  [[nodiscard]] std::size_t position(std::string_view event) const;
  /// The number of ticks between two events.
  [[nodiscard]] std::size_t ticks_between(std::string_view from, std::string_view to) const;
  /// "1, 12 ticks, contents, 2"
  [[nodiscard]] std::string text() const;

 private:
  struct line {
    std::string event;
    std::size_t ticks_after = 0;
  };
  mutable std::mutex mutex_;
  std::vector<line> told_;
};

}  // namespace stage
