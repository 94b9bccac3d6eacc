#include "braid/core/finding.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string_view>
#include <tuple>

#include "braid/core/detail/find_mistake.hpp"

namespace braid {

namespace detail {

bool checks_on = false;

namespace {

// Runs before the constructors of static objects, which may be mutexes.
[[gnu::constructor(101)]] void read_environment() noexcept {
  const char* const word = std::getenv("BRAID_CHECKS");
  checks_on = word != nullptr && std::string_view(word) == "1";
}

using handler_fn = unique_function<void(const finding&)>;

// Never destroyed, since static objects may drop a task when the program ends.
struct findings {
  std::mutex mutex;  // guards what follows
  std::shared_ptr<handler_fn> handler;
  std::set<std::tuple<mistake, std::string, unsigned, unsigned>> places;
};
findings& all_findings() {
  static auto* const never_destroyed = new findings;
  return *never_destroyed;
}

}  // namespace

bool is_new_mistake(mistake what, const std::source_location& place) {
  findings& all = all_findings();
  const std::lock_guard lock(all.mutex);
  return all.places.emplace(what, place.file_name(), place.line(), place.column()).second;
}

void hand_over_finding(const finding& found) {
  std::shared_ptr<handler_fn> handler;
  {
    findings& all = all_findings();
    const std::lock_guard lock(all.mutex);
    handler = all.handler;
  }
  if (handler != nullptr && *handler) return (*handler)(found);
  const std::string text = format_finding(found);
  std::fputs(text.c_str(), stderr);
}

void find_unseen_error(const error& failure, const async_frame* where) noexcept {
  if (!checks_on || failure == std::errc::operation_canceled || failure == errc::broken_promise) return;
  error seen = failure;
  attach_stack(seen, where);
  const std::span<const std::source_location> frames = seen.stack();
  find_mistake(mistake::unseen_error, frames.empty() ? std::source_location() : frames.front(), [&] {
    return finding{mistake::unseen_error,
                   "an error reached no waiter, since that had left: " + seen.message(),
                   {{frames.begin(), frames.end()}, seen.stack_is_whole()}};
  });
}

}  // namespace detail

void on_finding(unique_function<void(const finding&)> handler) {
  auto kept = std::make_shared<detail::handler_fn>(std::move(handler));
  detail::findings& all = detail::all_findings();
  const std::lock_guard lock(all.mutex);
  all.handler.swap(kept);
}

std::string format_finding(const finding& found) {
  std::string text = "braid: check: " + found.message + "\n";
  if (!found.stack.frames.empty()) text += format_stack(found.stack);
  return text;
}

}  // namespace braid
