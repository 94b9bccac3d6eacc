#include "network/wire.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "network/connection.hpp"

namespace braid::sim::detail {

using namespace std::chrono_literals;

namespace {

// As Linux: TCP_TIMEOUT_INIT, TCP_RTO_MIN, TCP_RTO_MAX, and about the sum of 15 retries.
constexpr loop_clock::duration first_pause_of_syn = 1s, first_pause = 200ms, longest_pause = 120s;
constexpr loop_clock::duration given_up_after = 15min;

}  // namespace

void wire::lies_between(const host& from, const host& to) noexcept {
  from_ = &from;
  to_ = &to;
}

void wire::put(segment_kind kind, std::string bytes) {
  put_until(network_.now() + given_up_after, kind, std::move(bytes));
}

void wire::put_until(loop_clock::time_point given_up, segment_kind kind, std::string bytes) {
  cut_ = false;
  auto left = network_.now();
  if (from_ != to_) left = uplink_.transmitted(bytes.size(), left, network_.options().bytes_per_second);
  segments_.push_back({kind, std::move(bytes), network_.now(), given_up, ++put_});
  fly(segments_.back(), left);
}

void wire::fly(segment& one, loop_clock::time_point from) {
  one.is = segment::whereabouts::flies;
  network_.at(from + network_.latency(*from_, *to_),
              [self = std::shared_ptr<wire>(of_.shared_from_this(), this), number = one.number] {
                self->lands(number);
              });
}

segment* wire::find(std::uint64_t number) noexcept {
  const auto found = std::ranges::lower_bound(segments_, number, {}, &segment::number);
  return found != segments_.end() && found->number == number ? &*found : nullptr;
}

void wire::lands(std::uint64_t number) {
  segment* const one = find(number);
  if (one == nullptr || one->is != segment::whereabouts::flies) return;
  if (!network_.passes(*from_, *to_)) return hold(*one);
  one->is = segment::whereabouts::arrived;
  while (!segments_.empty() && segments_.front().is == segment::whereabouts::arrived) {
    if (!of_.may_arrive(direction_, segments_.front())) return hold(segments_.front());
    const segment next = std::move(segments_.front());
    segments_.pop_front();
    of_.arrives(direction_, next);
  }
}

void wire::hold(segment& one) {
  if (cut_) {
    segments_.erase(std::ranges::lower_bound(segments_, one.number, {}, &segment::number), segments_.end());
    return of_.is_cut_off(direction_);
  }
  one.is = segment::whereabouts::held;
  if (retrying_) return;
  retrying_ = true;
  retried_ = one.number;
  pause_ =
      one.kind == segment_kind::syn || one.kind == segment_kind::syn_ack ? first_pause_of_syn : first_pause;
  next_retry_ = one.sent + pause_;
  ring_at(one.given_up);
}

// Schedules a retry at the next time of the schedule that lies ahead, but not after `last`.
void wire::ring_at(loop_clock::time_point last) {
  while (next_retry_ <= network_.now()) {
    pause_ = std::min(2 * pause_, longest_pause);
    next_retry_ += pause_;
  }
  network_.at(std::min(next_retry_, last),
              [self = std::shared_ptr<wire>(of_.shared_from_this(), this)] { self->retry(); });
}

void wire::retry() {
  retrying_ = false;
  const auto is_held = [](const segment& each) { return each.is == segment::whereabouts::held; };
  if (cut_) return;
  if (segment* const begun_with = find(retried_)) {
    if (network_.now() >= begun_with->given_up) return of_.is_given_up(direction_, *begun_with);
    retrying_ = true;
    const auto last = begun_with->given_up;
    for (segment& each : segments_)
      if (is_held(each) && (each.kind == segment_kind::syn || network_.passes(*from_, *to_)))
        fly(each, network_.now());
    return ring_at(last);
  }
  const auto held = std::ranges::find_if(segments_, is_held);
  if (held != segments_.end()) hold(*held);
}

void wire::joined() {
  for (segment& each : segments_)
    if (each.is == segment::whereabouts::held) fly(each, network_.now());
}

void wire::cut() noexcept {
  cut_ = true;
  const auto held = std::ranges::find(segments_, segment::whereabouts::held, &segment::is);
  if (held == segments_.end()) return;
  segments_.erase(held, segments_.end());
  of_.is_cut_off(direction_);
}

}  // namespace braid::sim::detail
