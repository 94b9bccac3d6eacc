#include "network/uplink.hpp"

#include <ratio>

namespace braid::sim::detail {

namespace {
__extension__ typedef unsigned __int128 wide;
}  // namespace

loop_clock::time_point uplink::transmitted(std::size_t bytes, loop_clock::time_point now,
                                           std::uint64_t bytes_per_second) noexcept {
  if (bytes_per_second == 0) return now;
  if (free_ < now) {
    free_ = now;
    rest_ = 0;
  }
  const wide parts = wide{bytes} * std::nano::den + rest_;
  free_ += loop_clock::duration(static_cast<loop_clock::rep>(parts / bytes_per_second));
  rest_ = static_cast<std::uint64_t>(parts % bytes_per_second);
  return rest_ == 0 ? free_ : free_ + loop_clock::duration(1);
}

std::uint64_t uplink::waiting(loop_clock::time_point now, std::uint64_t bytes_per_second) const noexcept {
  if (bytes_per_second == 0 || free_ <= now) return 0;
  const auto left = static_cast<std::uint64_t>((free_ - now).count());
  return static_cast<std::uint64_t>(wide{left} * bytes_per_second / std::nano::den);
}

}  // namespace braid::sim::detail
