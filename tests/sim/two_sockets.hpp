#pragma once

#include <string>
#include <vector>

#include "braid/net/udp.hpp"
#include "sim/two_hosts.hpp"

namespace braid_tests {

/// Two hosts with a UDP socket each: the server's on port 80, the client's on any port.
struct two_sockets : two_hosts {
  explicit two_sockets(braid::sim::network_options network = {}, std::uint64_t seed = 1)
      : two_hosts(network, seed) {
    bind_server();
    client_end = world.run_on(client, braid::udp::bind(braid::endpoint("0.0.0.0", 0)));
  }

  void bind_server() { server_end = world.run_on(server, braid::udp::bind(everywhere)); }
  /// Replaces the client's socket by one that has the server as its peer.
  void connect_client() { client_end = world.run_on(client, braid::udp::connect(at_server())); }
  [[nodiscard]] braid::endpoint client_endpoint() {
    const braid::current_loop_scope there(&client.its_loop());
    return client_end.local_endpoint();
  }
  /// Sends from the client to the server.
  int send(const std::string& text) { return on(client, client_end.send_to(text, at_server())); }
  /// All datagrams that this socket of the server has received, and receives until no more can arrive.
  std::vector<std::string> received_until_idle(const braid::udp::socket& at) {
    std::vector<std::string> all;
    world.run_until_idle();
    for (;;) {
      std::string text = room(1 << 16);
      auto waits = braid::with_timeout(at.receive_from(text), std::chrono::seconds(1));
      auto got = world.run_on(server, braid::as_result(std::move(waits)));
      if (!got) return all;
      all.push_back(text.substr(0, got->size));
    }
  }
  std::vector<std::string> received_until_idle() { return received_until_idle(server_end); }

  braid::udp::socket client_end, server_end;
};

}  // namespace braid_tests
