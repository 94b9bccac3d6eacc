#include "braid/combine/retry_policy.hpp"

#include <sys/random.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace braid {

bool worth_retrying(const error& why) noexcept {
  if (why == std::errc::operation_canceled) return false;
  if (why != errc::exception) return true;
  try {
    std::rethrow_exception(why.exception());
  } catch (const std::logic_error&) {
    return false;
  } catch (...) {
    return true;
  }
}

namespace detail {

namespace {

// Source  Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014): splitmix64.
std::uint64_t next_random(std::uint64_t& state) noexcept {
  std::uint64_t mixed = state += 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
  return mixed ^ mixed >> 31;
}

std::uint64_t first_seed() noexcept {
  std::uint64_t seed;
  if (::getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
    seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return seed;
}

}  // namespace

std::uint64_t seed_of(const retry_policy& policy) noexcept {
  thread_local std::uint64_t seeds = first_seed();
  return policy.seed ? *policy.seed : next_random(seeds);
}

loop_clock::duration pause_after(int failures, const retry_policy& policy, std::uint64_t& random) noexcept {
  const auto most = static_cast<std::uint64_t>(std::max(policy.cap.count(), loop_clock::rep{0}));
  const auto base = static_cast<std::uint64_t>(std::max(policy.base.count(), loop_clock::rep{0}));
  const int doublings = std::min(failures - 1, 63);
  const std::uint64_t backoff = base > most >> doublings ? most : base << doublings;
  if (policy.jitter == retry_jitter::none) return loop_clock::duration(static_cast<loop_clock::rep>(backoff));
  __extension__ typedef unsigned __int128 wide;
  const auto drawn = static_cast<std::uint64_t>(wide{next_random(random)} * (backoff + 1) >> 64);
  return loop_clock::duration(static_cast<loop_clock::rep>(drawn));
}

void attempt_errors::suppress_in(error& by, std::size_t end) noexcept {
  for (std::size_t n = count_ > most ? count_ - most : 0; n < end; ++n) by.suppress(*std::move((*this)[n]));
}

error attempt_errors::last() && noexcept {
  error last = *std::move((*this)[count_ - 1]);
  suppress_in(last, count_ - 1);
  return last;
}

error attempt_errors::canceled() && noexcept {
  error canceled(std::make_error_code(std::errc::operation_canceled), "retry");
  suppress_in(canceled, count_);
  return canceled;
}

}  // namespace detail

}  // namespace braid
