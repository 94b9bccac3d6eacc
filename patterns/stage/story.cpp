#include "stage/story.hpp"

#include <fmt/format.h>

#include <range/v3/algorithm/find.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/transform.hpp>

namespace stage {

void story::tell(std::string_view event) {
  const std::lock_guard guard(mutex_);
  told_.push_back({std::string(event)});
}

void story::tick() {
  const std::lock_guard guard(mutex_);
  if (!told_.empty()) ++told_.back().ticks_after;
}

void story::shorten(std::string_view event, std::string_view words) {
  const std::lock_guard guard(mutex_);
  for (line& each : told_)
    if (each.event == event) each.event = words;
}

void story::clear() {
  const std::lock_guard guard(mutex_);
  told_.clear();
}

std::vector<std::string> story::events() const {
  const std::lock_guard guard(mutex_);
  return told_ | ranges::views::transform(&line::event) | ranges::to<std::vector>;
}

std::size_t story::position(std::string_view event) const {
  const std::lock_guard guard(mutex_);
  const auto found = ranges::find(told_, event, &line::event);
  return static_cast<std::size_t>(found - told_.begin());
}

std::size_t story::ticks_between(std::string_view from, std::string_view to) const {
  const std::size_t last = position(to);
  std::size_t ticks = 0;
  for (std::size_t i = position(from); i < last; ++i) ticks += told_[i].ticks_after;
  return ticks;
}

std::string story::text() const {
  const std::lock_guard guard(mutex_);
  std::string text;
  for (const line& each : told_) {
    text += (text.empty() ? "" : ", ") + each.event;
    if (each.ticks_after != 0 && &each != &told_.back())
      text += fmt::format(", {} tick{}", each.ticks_after, each.ticks_after == 1 ? "" : "s");
  }
  return text;
}

}  // namespace stage
