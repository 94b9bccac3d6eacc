#include "braid/loop/detail/step_watch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace braid::detail {

namespace {

std::chrono::milliseconds asked_limit() {
  const char* const word = std::getenv("BRAID_CHECKS_HOLD_MS");
  if (word == nullptr) return std::chrono::milliseconds(10);
  const std::string_view text(word);
  unsigned number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || number == 0)
    throw std::invalid_argument("loop: BRAID_CHECKS_HOLD_MS is '" + std::string(text) +
                                "'; it takes a number of milliseconds, at least 1");
  return std::chrono::milliseconds(number);
}

}  // namespace

step_watch::step_watch()
    : limit_(asked_limit()),
      schedule_statistics_(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}

step_watch::~step_watch() {
  if (schedule_statistics_ >= 0) ::close(schedule_statistics_);
}

void step_watch::begins() noexcept {
  if (depth_++ > 0) return;
  reported_ = false;
  is_failing_ = false;
  last_ = {};
  waited_ = waited_for_processor();
  began_ = std::chrono::steady_clock::now();
}

step_watch::duration step_watch::overdue() noexcept {
  if (depth_ == 0 || reported_) return {};
  const duration passed = std::chrono::steady_clock::now() - began_;
  if (passed <= limit_) return {};
  const duration held = passed - (waited_for_processor() - waited_);
  if (held <= limit_) return {};
  reported_ = true;
  return held;
}

// The second number of the file, in nanoseconds.
step_watch::duration step_watch::waited_for_processor() const noexcept {
  std::array<char, 96> text;
  const ssize_t got = ::pread(schedule_statistics_, text.data(), text.size(), 0);
  if (got <= 0) return {};
  const std::string_view numbers(text.data(), static_cast<std::size_t>(got));
  const std::size_t space = numbers.find(' ');
  if (space == std::string_view::npos) return {};
  std::uint64_t waited = 0;
  std::from_chars(numbers.data() + space + 1, numbers.data() + numbers.size(), waited);
  return std::chrono::nanoseconds(waited);
}

}  // namespace braid::detail
