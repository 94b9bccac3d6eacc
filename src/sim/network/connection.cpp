#include "network/connection.hpp"

#include <chrono>

namespace braid::sim::detail {

namespace {

// After this time Linux ends a connect that has had no answer to six SYNs.
constexpr loop_clock::duration connects_for = std::chrono::seconds(127);

}  // namespace

connection::connection(network& within, host& client, const socket_name& from, host& server,
                       const socket_name& to)
    : network_(within),
      number_(within.add(*this)),
      begun_(within.now()),
      ends_{{*this, 0, within, client, from}, {*this, 1, within, server, to}} {
  ends_[0].out().lies_between(client, server);
  ends_[1].out().lies_between(server, client);
}
connection::~connection() { network_.remove(number_); }

loop_clock::time_point connection::given_up() const noexcept { return begun_ + connects_for; }

void connection::lose_power(const host& which) {
  for (tcp_end& each : ends_)
    if (&each.on() == &which) each.vanish();
}

void connection::joined(const host& one, const host& other) {
  const host& client = ends_[0].on();
  const host& server = ends_[1].on();
  if (!(&client == &one && &server == &other) && !(&client == &other && &server == &one)) return;
  for (tcp_end& each : ends_) each.joined();
}

bool connection::may_arrive(int direction, const segment& what) {
  return what.kind != segment_kind::syn || ends_[1 - direction].may_be_born();
}

void connection::is_given_up(int direction, const segment& what) {
  const bool was_answer = what.kind == segment_kind::syn_ack;
  ends_[direction].time_out();
  if (was_answer && client().at() == tcp_end::stage::connecting) client().time_out();
}

}  // namespace braid::sim::detail
