#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "braid/base/pinned.hpp"
#include "network/network.hpp"
#include "network/uplink.hpp"

namespace braid::sim::detail {

enum class segment_kind : std::uint8_t { syn, syn_ack, ack, data, fin, reset };

struct segment {
  segment_kind kind;
  std::string bytes;  // for kind data
  loop_clock::time_point sent;
  loop_clock::time_point given_up;  // when the sender stops sending it again
  std::uint64_t number = 0;
  enum class whereabouts : std::uint8_t { flies, held, arrived } is = whereabouts::flies;
};

// One direction of a connection: segments that were sent and not delivered yet. None is lost or reordered. A
// segment that cannot pass is held, as by a sender that sends it again until it is acknowledged; one that
// arrives early waits for the segments before it.
class wire : pinned {
 public:
  // direction: which of the two of its connection, 0 or 1.
  wire(connection& of, int direction, network& within) : of_(of), direction_(direction), network_(within) {}
  void lies_between(const host& from, const host& to) noexcept;

  void put(segment_kind kind, std::string bytes = {});
  // Like put, with its own limit for how long the segment is sent again.
  void put_until(loop_clock::time_point given_up, segment_kind kind, std::string bytes = {});
  // Called when the partition of the hosts ends: held segments go on at once.
  void joined();
  // The sender stops sending again: a segment that is or will be held never arrives, nor those behind it.
  void cut() noexcept;
  void clear() noexcept { segments_.clear(); }

 private:
  [[nodiscard]] segment* find(std::uint64_t number) noexcept;
  void fly(segment& one, loop_clock::time_point from);
  void lands(std::uint64_t number);
  void hold(segment& one);
  void ring_at(loop_clock::time_point last);
  void retry();

  connection& of_;
  const int direction_;
  network& network_;
  const host* from_ = nullptr;
  const host* to_ = nullptr;

  std::deque<segment> segments_;  // in the order in which they were sent
  std::uint64_t put_ = 0;
  bool cut_ = false;
  uplink uplink_;

  // The schedule of sending again; it lasts until the segment with which it began is delivered.
  bool retrying_ = false;
  std::uint64_t retried_ = 0;
  loop_clock::time_point next_retry_{};
  loop_clock::duration pause_{};
};

}  // namespace braid::sim::detail
