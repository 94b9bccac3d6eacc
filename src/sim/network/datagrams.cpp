#include "network/datagrams.hpp"

#include <vector>

#include "network/udp_socket.hpp"

namespace braid::sim::detail {

host& datagrams::host_of(const udp_socket& which) noexcept { return which.its_host(); }

void datagrams::leave(udp_socket& which) noexcept { std::erase(sockets_[&host_of(which)], &which); }

void datagrams::note_loss(const host& at, const char* why, const datagram& what) {
  network_.note(at, why, static_cast<std::int64_t>(what.bytes.size()));
}

void datagrams::send(host& from, host& to, datagram what, loop_clock::time_point departs) {
  const auto lands = loop_clock::later_than(departs, network_.latency(from, to));
  ways_[{&from, &to}].emplace(moment{lands, ++sent_}, std::move(what));
  network_.at(lands, [this, &from, &to] { one_lands(from, to); });
}

// There is one event for each datagram on its way; whichever event comes first delivers the oldest datagram.
void datagrams::one_lands(host& from, host& to) {
  way& between = ways_[{&from, &to}];
  const auto landed = between.extract(between.begin());
  const datagram& what = landed.mapped();
  if (!network_.passes(from, to)) return note_loss(to, "is not reached by a datagram", what);
  udp_socket* const meant = find(to, what);
  if (meant == nullptr) return refuse(to, from, what);
  if (!meant->takes(what)) note_loss(to, "has no room for a datagram", what);
}

// Prefers a socket that is connected to the sender, then one that is bound to the very address, then the
// latest one.
udp_socket* datagrams::find(const host& at, const datagram& what) const {
  const auto its = sockets_.find(&at);
  if (its == sockets_.end()) return nullptr;
  udp_socket* best = nullptr;
  int best_fit = 1;
  for (udp_socket* each : its->second)
    if (const int fit = each->fits(what); fit >= best_fit) {
      best = each;
      best_fit = fit;
    }
  return best;
}

// Like ICMP, whose messages may get lost, too.
void datagrams::refuse(host& at, host& sender, const datagram& what) {
  note_loss(at, "has no port for a datagram", what);
  const auto on_arrival = [this, &at, &sender, from = what.from, to = what.to] {
    if (!network_.passes(at, sender)) return;
    for (udp_socket* each : sockets_[&sender]) each->is_refused(from, to);
  };
  network_.at(network_.now() + network_.latency(at, sender), on_arrival);
}

}  // namespace braid::sim::detail
