#include "braid/combine/circuit_breaker.hpp"

#include <stdexcept>

namespace braid {

circuit_breaker::circuit_breaker(const circuit_breaker_options& how)
    : how_(how), window_(how.window, "circuit_breaker") {
  if (how.failure_percent > 100)
    throw std::invalid_argument("circuit_breaker: failure_percent is at most 100");
  if (how.least_calls == 0 || how.probes == 0)
    throw std::invalid_argument("circuit_breaker: least_calls and probes must be positive");
  if (how.open_for < loop_clock::duration::zero())
    throw std::invalid_argument("circuit_breaker: open_for must not be negative");
}

circuit_state circuit_breaker::state() const noexcept {
  const bool over = state_ == circuit_state::open && loop_clock::now() >= until_;
  return over ? circuit_state::half_open : state_;
}

circuit_breaker::phase circuit_breaker::admit() noexcept {
  if (state_ == circuit_state::closed) return phase_;
  const bool over = loop_clock::now() >= until_;
  const bool occupied = running_ + recovered_ >= how_.probes;
  if (state_ == circuit_state::open ? over : over && occupied) enter(circuit_state::half_open);
  if (state_ == circuit_state::open || running_ + recovered_ >= how_.probes) return 0;
  ++running_;
  return phase_;
}

void circuit_breaker::succeeded(phase of) noexcept {
  if (of != phase_) return;
  failures_in_a_row_ = 0;
  if (state_ == circuit_state::closed) return window_.add({.all = 1});
  --running_;
  if (++recovered_ >= how_.probes) enter(circuit_state::closed);
}

void circuit_breaker::failed(phase of) noexcept {
  if (of != phase_) return;
  if (state_ == circuit_state::closed) {
    window_.add({.all = 1, .marked = 1});
    ++failures_in_a_row_;
    if (!too_many_failures()) return;
  }
  enter(circuit_state::open);
}

void circuit_breaker::ended_otherwise(phase of) noexcept {
  if (of == phase_ && state_ == circuit_state::half_open) --running_;
}

bool circuit_breaker::too_many_failures() noexcept {
  if (how_.consecutive_failures != 0 && failures_in_a_row_ >= how_.consecutive_failures) return true;
  const detail::sliding_window::counts ended = window_.total();
  return how_.failure_percent != 0 && ended.all >= how_.least_calls &&
         ended.marked * 100 >= ended.all * how_.failure_percent;
}

void circuit_breaker::enter(circuit_state next) noexcept {
  state_ = next;
  ++phase_;
  running_ = recovered_ = failures_in_a_row_ = 0;
  window_.clear();
  until_ = loop_clock::after(how_.open_for);
}

}  // namespace braid
