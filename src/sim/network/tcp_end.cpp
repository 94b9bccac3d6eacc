#include "network/tcp_end.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "network/connection.hpp"

namespace braid::sim::detail {

namespace {

// The largest segment on a link with a bandwidth limit: small compared with a socket's buffer, so that the
// link does not stand still while the receiver reads.
constexpr std::size_t most_in_segment = 4096;
constexpr loop_clock::duration time_wait = std::chrono::seconds(60);

std::size_t buffer_of(const network& which) noexcept {
  return std::max<std::size_t>(which.options().buffer_bytes, 1);
}

}  // namespace

tcp_end::tcp_end(connection& of, int which, network& within, host& on, const socket_name& local)
    : of_(of),
      which_(which),
      network_(within),
      host_(on),
      local_(local),
      out_(of, which, within),
      may_send_(buffer_of(within)),
      announced_room_(may_send_) {}

tcp_end& tcp_end::peer() const noexcept { return of_.end(1 - which_); }

void tcp_end::changed() {
  if (socket_ != nullptr) socket_->changed();
}

// True once both FINs have arrived. The acknowledgement of the second one takes no time here.
bool tcp_end::is_over() const noexcept { return is_gone() || (fin_received_ && peer().fin_received_); }

// ---- asked by the socket --------------------------------------------------------------------------------

void tcp_end::connect(std::shared_ptr<ports::binding> port) {
  stage_ = stage::connecting;
  port_ = std::move(port);
  out_.put_until(of_.given_up(), segment_kind::syn);
}

std::optional<std::int32_t> tcp_end::send(const void* from, std::size_t length) {
  if (stage_ == stage::connecting) return std::nullopt;
  if (error_ != 0) return -take_error();
  if (no_more_ || is_gone()) return -EPIPE;
  const std::size_t room = buffer_of(network_) - std::min(unsent_.size(), buffer_of(network_));
  if (room == 0 && length != 0) return std::nullopt;
  const std::size_t taken = std::min(room, length);
  unsent_.add(static_cast<const char*>(from), taken);
  pump();
  return static_cast<std::int32_t>(taken);
}

std::optional<std::int32_t> tcp_end::receive(void* to, std::size_t length, bool all) {
  if (stage_ == stage::connecting) return std::nullopt;
  const bool no_more_arrives = fin_received_ || deaf_ || error_ != 0 || is_gone();
  if (!unread_.empty() && (!all || unread_.size() >= length || no_more_arrives)) {
    const std::size_t got = unread_.take(to, length);
    taken_ += got;
    all_of_ = 0;
    announce_room();
    return static_cast<std::int32_t>(got);
  }
  if (!no_more_arrives) {
    // bytes that have arrived count as taken: they need not all fit into the buffer
    all_of_ = all ? length : 0;
    announce_room();
    return std::nullopt;
  }
  if (!fin_received_ && error_ != 0) return -take_error();
  return 0;
}

int tcp_end::shut(bool receiving, bool sending) {
  if (is_over()) return -ENOTCONN;
  deaf_ |= receiving;
  no_more_ |= sending;
  pump();
  changed();
  return 0;
}

short tcp_end::events() const noexcept {
  if (stage_ == stage::connecting) return 0;
  const bool in_ends = fin_received_ || deaf_ || is_gone();
  const bool out_ends = no_more_ || is_gone();
  const std::size_t room = buffer_of(network_) - std::min(unsent_.size(), buffer_of(network_));
  int found = 0;
  if (!unread_.empty() || in_ends) found |= POLLIN;
  if (out_ends || room >= unsent_.size() / 2) found |= POLLOUT;
  if (in_ends) found |= POLLRDHUP;
  if (in_ends && out_ends) found |= POLLHUP;
  if (error_ != 0) found |= POLLERR;
  return static_cast<short>(found);
}

void tcp_end::close() {
  socket_ = nullptr;
  if (stage_ == stage::connecting) {
    stage_ = stage::vanished;
    port_.reset();
    out_.cut();
    return;
  }
  if (!unread_.empty()) return abort();
  deaf_ = no_more_ = true;
  pump();
}

void tcp_end::abort() {
  if (stage_ != stage::open || is_over()) return;
  closes(0);
  unread_.clear();
  put_reset();
}

void tcp_end::break_off() {
  if (stage_ != stage::open) return;
  abort();
  changed();
}

void tcp_end::closes(int error) {
  stage_ = stage::closed;
  error_ = error;
  unsent_.clear();
  rooms_.clear();
  port_.reset();
}

// ---- sending --------------------------------------------------------------------------------------------

bool tcp_end::pump() {
  if (stage_ != stage::open) return false;
  learn_room();
  const bool limited = network_.options().bytes_per_second != 0 && &host_ != &peer().host_;
  bool moved = false;
  while (!unsent_.empty() && sent_ < may_send_) {
    std::size_t length = std::min<std::uint64_t>(unsent_.size(), may_send_ - sent_);
    if (limited) length = std::min(length, most_in_segment);
    out_.put(segment_kind::data, unsent_.take(length));
    sent_ += length;
    moved = true;
  }
  if (unsent_.empty() && no_more_ && !fin_sent_) {
    fin_sent_ = true;
    out_.put(segment_kind::fin);
  }
  if (!unsent_.empty() && !rooms_.empty() && rooms_.front().known > network_.now())
    pump_at(rooms_.front().known);
  return moved;
}

void tcp_end::pump_at(loop_clock::time_point when) {
  if (pumps_later_) return;
  pumps_later_ = true;
  network_.at(when, [self = std::shared_ptr<tcp_end>(of_.shared_from_this(), this)] {
    self->pumps_later_ = false;
    if (self->pump()) self->changed();
  });
}

void tcp_end::joined() {
  out_.joined();
  if (!unsent_.empty()) pump_at(network_.now() + network_.least_latency(peer().host_, host_));
}

// Grants the peer as many bytes as the buffer still has room for. The grant takes its time on the network,
// which only matters when the peer waits for it.
void tcp_end::announce_room() {
  const std::uint64_t up_to = taken_ + std::min(unread_.size(), all_of_) + buffer_of(network_);
  if (up_to <= announced_room_) return;
  announced_room_ = up_to;
  tcp_end& other = peer();
  other.learn_room();
  const auto known = network_.now() + network_.least_latency(host_, other.host_);
  if (!other.rooms_.empty() && other.rooms_.back().known == known)
    other.rooms_.back().up_to = up_to;
  else
    other.rooms_.push_back({known, up_to});
  if (!other.unsent_.empty()) other.pump_at(known);
}

void tcp_end::learn_room() {
  while (!rooms_.empty() && rooms_.front().known <= network_.now() && network_.passes(peer().host_, host_)) {
    may_send_ = rooms_.front().up_to;
    rooms_.pop_front();
  }
}

// ---- what arrives ---------------------------------------------------------------------------------------

bool tcp_end::may_be_born() const {
  if (stage_ != stage::unborn) return true;
  const auto found = network_.ports_of(host_).listener_at(local_);
  return found == nullptr || !found->is_full();
}

void tcp_end::arrives(const segment& what) {
  switch (what.kind) {
    case segment_kind::syn: return on_syn();
    case segment_kind::syn_ack: return on_syn_ack();
    case segment_kind::ack: return on_ack();
    case segment_kind::data: return on_data(what.bytes);
    case segment_kind::fin: return on_fin();
    case segment_kind::reset: return on_reset();
  }
}

void tcp_end::on_syn() {
  if (stage_ != stage::unborn) return answer_reset();
  ports& its = network_.ports_of(host_);
  const auto found = its.listener_at(local_);
  if (found == nullptr) {
    stage_ = stage::vanished;
    return answer_reset();
  }
  stage_ = stage::half_open;
  listener_ = found;
  found->handshake_begins();
  port_ = its.inherit(local_, found->shares());
  out_.put_until(of_.given_up(), segment_kind::syn_ack);
}

void tcp_end::on_syn_ack() {
  if (stage_ != stage::connecting) return answer_reset();
  stage_ = stage::open;
  out_.put(segment_kind::ack);
  changed();
}

// An ack that completes a handshake, or a probe of a peer that waits for room.
void tcp_end::on_ack() {
  if (stage_ == stage::open) return;
  const auto listener = std::exchange(listener_, {}).lock();
  if (stage_ != stage::half_open || listener == nullptr) {
    if (!is_gone()) stage_ = stage::vanished;
    port_.reset();
    return answer_reset();
  }
  stage_ = stage::open;
  listener->handshake_ends(of_.shared_from_this());
}

void tcp_end::on_data(const std::string& bytes) {
  if (is_gone()) return answer_reset();
  if (deaf_ && no_more_) {
    closes(ECONNRESET);
    put_reset();
  } else {
    unread_.add(bytes.data(), bytes.size());
  }
  changed();
}

void tcp_end::on_fin() {
  if (is_gone()) return answer_reset();
  fin_received_ = true;
  if (tcp_end& other = peer(); other.fin_received_) {
    // this end closed first; a client's port is never asked for by its number again
    if (port_ != nullptr && which_ == 1) network_.ports_of(host_).linger(*port_, network_.now() + time_wait);
    port_.reset();
    other.port_.reset();
  }
  changed();
}

void tcp_end::on_reset() {
  peer_knows_ = true;
  switch (stage_) {
    case stage::connecting: closes(ECONNREFUSED); break;
    case stage::half_open: return is_left_half_open();
    case stage::open:
      if (is_over()) return;
      closes(fin_received_ ? EPIPE : ECONNRESET);
      break;
    default: return;
  }
  changed();
}

void tcp_end::answer_reset() {
  if (!peer_knows_) put_reset();
}
void tcp_end::put_reset() {
  peer_knows_ = true;
  out_.put(segment_kind::reset);
}

void tcp_end::leave_handshake() noexcept {
  if (const auto listener = std::exchange(listener_, {}).lock()) listener->handshake_fails();
}

void tcp_end::is_left_half_open() noexcept {
  if (stage_ != stage::half_open) return;
  leave_handshake();
  closes(0);
}

// ---- what the network does to it ------------------------------------------------------------------------

void tcp_end::vanish() {
  if (stage_ == stage::unborn) return;
  const bool was_half_open = stage_ == stage::half_open;
  leave_handshake();
  closes(0);
  stage_ = stage::vanished;
  socket_ = nullptr;
  peer_knows_ = false;
  unread_.clear();
  out_.cut();
  tcp_end& other = peer();
  if (&other.host_ == &host_) return;
  if (was_half_open && other.stage_ == stage::connecting) {
    // for the restarted host the client's next SYN is the first one
    out_.clear();
    stage_ = stage::unborn;
    other.out_.put_until(of_.given_up(), segment_kind::syn);
  } else if (!other.unsent_.empty()) {
    other.out_.put(segment_kind::ack);  // a peer that waits for room probes from time to time
  }
}

void tcp_end::time_out() {
  if (is_gone()) return;
  leave_handshake();
  closes(ETIMEDOUT);
  out_.cut();
  changed();
}

}  // namespace braid::sim::detail
