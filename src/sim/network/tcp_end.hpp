#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "network/byte_queue.hpp"
#include "network/listening.hpp"
#include "network/ports.hpp"
#include "network/wire.hpp"

namespace braid::sim::detail {

// One end of a connection, as its host's TCP sees it. It outlives its socket while it still has bytes to
// send.
class tcp_end : pinned {
 public:
  enum class stage : std::uint8_t {
    unborn,  // the server's end before a SYN arrives
    connecting,  // SYN_SENT
    half_open,  // SYN_RECEIVED
    open,  // also after an orderly end, when both FINs have arrived
    closed,  // by a reset or a time-out
    vanished,  // its host does not know it any more
  };

  tcp_end(connection& of, int which, network& within, host& on, const socket_name& local);

  [[nodiscard]] stage at() const noexcept { return stage_; }
  [[nodiscard]] host& on() const noexcept { return host_; }
  [[nodiscard]] const socket_name& local() const noexcept { return local_; }
  [[nodiscard]] tcp_end& peer() const noexcept;
  // True in the TCP state CLOSE.
  [[nodiscard]] bool is_over() const noexcept;

  // ---- for its socket
  void belongs_to(object* socket) noexcept { socket_ = socket; }
  void connect(std::shared_ptr<ports::binding> port);
  [[nodiscard]] const std::shared_ptr<ports::binding>& port() const noexcept { return port_; }
  // As send(2) and recv(2) on a socket that never blocks; empty instead of EAGAIN.
  [[nodiscard]] std::optional<std::int32_t> send(const void* from, std::size_t length);
  [[nodiscard]] std::optional<std::int32_t> receive(void* to, std::size_t length, bool all);
  [[nodiscard]] int shut(bool receiving, bool sending);
  // The events that poll(2) reports.
  [[nodiscard]] short events() const noexcept;
  // Its error as a positive number, or 0. Reported once.
  [[nodiscard]] int take_error() noexcept { return std::exchange(error_, 0); }
  // Called when the socket is closed: ends in order, or with a reset if bytes were not read.
  void close();
  // Sends a reset to the peer, without an error for the socket.
  void abort();
  // Like abort, and wakes what waits for the socket. For an injected reset.
  void break_off();

  // ---- for its connection
  [[nodiscard]] wire& out() noexcept { return out_; }
  [[nodiscard]] bool may_be_born() const;
  void arrives(const segment& what);
  void vanish();
  // Called when the client's answer will never arrive.
  void is_left_half_open() noexcept;
  // Called when a segment was sent again in vain for too long.
  void time_out();
  void joined();

 private:
  [[nodiscard]] bool is_gone() const noexcept { return stage_ == stage::closed || stage_ == stage::vanished; }
  void on_syn();
  void on_syn_ack();
  void on_ack();
  void on_data(const std::string& bytes);
  void on_fin();
  void on_reset();
  void answer_reset();
  void leave_handshake() noexcept;
  void closes(int error);
  void put_reset();
  bool pump();  // sends as much as the peer has room for; true if it sent something
  void pump_at(loop_clock::time_point when);
  void announce_room();
  void learn_room();
  void changed();

  connection& of_;
  const int which_;
  network& network_;
  host& host_;
  const socket_name local_;
  object* socket_ = nullptr;
  std::shared_ptr<ports::binding> port_;
  std::weak_ptr<listening> listener_;  // the listener, while half open
  stage stage_ = stage::unborn;
  int error_ = 0;
  bool peer_knows_ = false;  // that this end is gone

  // sending
  wire out_;
  byte_queue unsent_;
  bool no_more_ = false;  // shut down
  bool fin_sent_ = false;
  std::uint64_t sent_ = 0;
  std::uint64_t may_send_;  // how far the peer allows, as this end knows
  struct allowance {
    loop_clock::time_point known;
    std::uint64_t up_to;
  };
  std::deque<allowance> rooms_;  // allowances of the peer that are on their way
  bool pumps_later_ = false;

  // receiving
  byte_queue unread_;
  bool deaf_ = false;  // shut down
  bool fin_received_ = false;
  std::uint64_t taken_ = 0;
  std::uint64_t announced_room_;
  std::size_t all_of_ = 0;  // the length for which a receive of everything waits
};

}  // namespace braid::sim::detail
