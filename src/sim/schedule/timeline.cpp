#include "schedule/timeline.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <new>
#include <utility>

#include "braid/sim/host.hpp"
#include "schedule/agenda.hpp"

namespace braid::sim::detail {

namespace {

// After this many steps at one instant the program is assumed to wait for time by yielding. Then time passes,
// as it does while a real program spins.
constexpr std::uint64_t most_steps_at_a_time = 100'000;

}  // namespace

std::string text_of(loop_clock::time_point when) {
  std::array<char, 48> text{};
  const auto ns = static_cast<long long>(when.time_since_epoch().count());
  std::snprintf(text.data(), text.size(), "%lld.%09lld s", ns / 1'000'000'000, ns % 1'000'000'000);
  return text.data();
}

void timeline::at(loop_clock::time_point when, unique_function<void()> f) {
  const std::size_t all = due_.size() + events_.size() + 1;  // advance() may move all of them: no allocation
  if (all > due_.capacity()) due_.reserve(std::max(all, 2 * due_.capacity()));
  if (when <= now_) return due_.push_back(std::move(f));
  events_.push_back({when, scheduled_++, std::move(f)});
  std::push_heap(events_.begin(), events_.end(), later);
}

bool timeline::advance(loop_clock::time_point latest) {
  agenda_.update();
  auto next = std::min(latest, agenda_.next_wake());
  if (!events_.empty()) next = std::min(next, events_.front().when);
  if (next == loop_clock::time_point::max()) return false;
  if (next <= now_) return true;
  now_ = next;
  steps_at_this_time_ = 0;
  while (!events_.empty() && events_.front().when <= now_) {
    std::pop_heap(events_.begin(), events_.end(), later);
    due_.push_back(std::move(events_.back().happens));
    events_.pop_back();
  }
  agenda_.wake(now_);
  return true;
}

void timeline::happen(std::size_t due) {
  std::swap(due_[due], due_.back());
  unique_function<void()> f = std::move(due_.back());
  due_.pop_back();
  f();
}

void timeline::clear() noexcept {
  events_.clear();
  due_.clear();
}

bool timeline::is_spinning() const noexcept { return steps_at_this_time_ >= most_steps_at_a_time; }

// FNV-1a, word by word.
void timeline::note(const host& at, const event& happened) noexcept {
  steps_at_this_time_ = 0;  // the program makes progress: it does not only spin
  const auto mix = [this](std::uint64_t word) { trace_hash_ = (trace_hash_ ^ word) * 0x100000001b3; };
  mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  for (const char c : at.name()) mix(static_cast<unsigned char>(c));
  for (const char* c = happened.what; *c != '\0'; ++c) mix(static_cast<unsigned char>(*c));
  mix(static_cast<std::uint64_t>(happened.code));
  mix(static_cast<std::uint64_t>(happened.descriptor));
  mix(static_cast<std::uint64_t>(happened.value));
  if (!keeps_trace_) return;
  try {
    keep(at, happened);
  } catch (const std::bad_alloc&) {
    // the trace lacks a line
  }
}

void timeline::keep(const host& at, const event& happened) {
  std::string line = text_of(now_) + " " + at.name() + " ";
  if (happened.code != opcode::nop || happened.descriptor >= 0)
    line += std::string(braid::name_of(happened.code)) + " ";
  line += happened.what;
  if (happened.descriptor >= 0) line += " on " + std::to_string(happened.descriptor & 0xffff);
  trace_.push_back(line + ": " + std::to_string(happened.value));
}

}  // namespace braid::sim::detail
