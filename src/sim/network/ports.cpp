#include "network/ports.hpp"

#include <algorithm>

#include "network/listening.hpp"

namespace braid::sim::detail {

ports::binding::binding(ports& of, const socket_name& name, bool shares, bool dual)
    : of_(of), name_(name), shares_(shares), dual_(dual), place_(of.taken_.emplace(name.port, this)) {}
ports::binding::~binding() {
  of_.taken_.erase(place_);
  const auto found = of_.listeners_.find(key_of(name_));
  if (found != of_.listeners_.end() && found->second.expired()) of_.listeners_.erase(found);
}

bool ports::binding::overlaps(const socket_name& name, bool dual) const noexcept {
  if (name_.port != name.port) return false;
  if (name_.family == name.family) return name_.address == name.address || name_.is_any() || name.is_any();
  return name_.family == AF_INET6 ? name_.is_any() && dual_ : name.is_any() && dual;
}

bool ports::is_taken(const socket_name& name, bool shares, bool dual, loop_clock::time_point now) const {
  const auto [first, last] = taken_.equal_range(name.port);
  for (auto each = first; each != last; ++each) {
    const binding& other = *each->second;
    if (!other.overlaps(name, dual)) continue;
    if (!shares || !other.shares_ || !other.listens_.expired()) return true;
  }
  const auto ended = lingering_.find(name.port);
  return ended != lingering_.end() && ended->second.until > now && !(shares && ended->second.shares);
}

std::uint16_t ports::unused_port() {
  constexpr int all = last_ephemeral - first_ephemeral + 1;
  for (int tried = 0; tried != all; ++tried) {
    const std::uint16_t port = next_ephemeral_;
    next_ephemeral_ = port == last_ephemeral ? first_ephemeral : static_cast<std::uint16_t>(port + 1);
    if (taken_.find(port) == taken_.end()) return port;
  }
  return 0;
}

std::shared_ptr<ports::binding> ports::bind(const socket_name& name, bool shares, bool dual,
                                            loop_clock::time_point now) {
  if (name.port != 0)
    return is_taken(name, shares, dual, now) ? nullptr : std::make_shared<binding>(*this, name, shares, dual);
  const std::uint16_t port = unused_port();
  return port != 0 ? std::make_shared<binding>(*this, name.with_port(port), shares, dual) : nullptr;
}

std::shared_ptr<ports::binding> ports::inherit(const socket_name& name, bool shares) {
  return std::make_shared<binding>(*this, name, shares, false);
}

bool ports::listen(binding& at, const std::shared_ptr<listening>& by) {
  const auto [first, last] = taken_.equal_range(at.name_.port);
  for (auto each = first; each != last; ++each) {
    const binding& other = *each->second;
    if (&other != &at && !other.listens_.expired() && other.overlaps(at.name_, at.dual_)) return false;
  }
  at.listens_ = by;
  listeners_[key_of(at.name_)] = by;
  return true;
}

std::shared_ptr<listening> ports::listener_at(const socket_name& name) const {
  auto found = listeners_.find(key_of(name));
  if (found == listeners_.end() || found->second.expired())
    found = listeners_.find(key_of({name.family, 0, name.port}));
  auto of_family = found != listeners_.end() ? found->second.lock() : nullptr;
  if (of_family != nullptr || name.family != AF_INET) return of_family;
  found = listeners_.find(key_of({AF_INET6, 0, name.port}));
  const auto of_v6 = found != listeners_.end() ? found->second.lock() : nullptr;
  return of_v6 != nullptr && of_v6->is_dual() ? of_v6 : nullptr;
}

void ports::linger(const binding& ended, loop_clock::time_point until) {
  auto& entry = lingering_.try_emplace(ended.name_.port, lingering{until, ended.shares_}).first->second;
  entry = {std::max(entry.until, until), entry.shares && ended.shares_};
}

}  // namespace braid::sim::detail
