#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace stage {

/// What happened, in which order.
/// Threads  any; the order is the one in which they came.
class story {
 public:
  story() { told_.reserve(64); }  // telling should not be what allocates

  void tell(std::string_view event);
  /// Something that happens so often that only how often is told.
  void tick();
  /// Writes an event that is too long for a table in other words.
  void shorten(std::string_view event, std::string_view words);
  void clear();

  /// The events without the ticks.
  [[nodiscard]] std::vector<std::string> events() const;
  /// Where an event stands among them; their number when it was never told.
  [[nodiscard]] std::size_t position(std::string_view event) const;
  /// The ticks between two events.
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
