#pragma once

#include <string>
#include <utility>

#include "braid/combine/when_all_settled.hpp"
#include "braid/net/tcp.hpp"
#include "braid/tls/accept.hpp"
#include "braid/tls/connect.hpp"
#include "every_style.hpp"
#include "net/connection.hpp"
#include "tls/authority.hpp"

namespace braid_tests {

/// What most tests need, made once: a server named "localhost", and a client that trusts its authority.
struct surroundings {
  authority ours;
  identity server = ours.issue();
  braid::tls::context serving{serves_as(server)};
  braid::tls::context trusting{trusts(ours)};
};
inline const surroundings& here_and_now() {
  static const surroundings made;
  return made;
}

/// Both ends of a connection, or why they failed.
struct shaken {
  braid::result<braid::tls::stream> near;
  braid::result<braid::tls::stream> far;
};

inline shaken shake_hands(const any_style& style, const braid::tls::context& trusting,
                          const braid::tls::context& serving, std::string host = "localhost") {
  connection both = connected_pair(style);
  auto ended =
      style.wait(braid::when_all_settled(braid::tls::connect(std::move(both.near), std::move(host), trusting),
                                         braid::tls::accept(std::move(both.far), serving)));
  auto& [near, far] = ended.value();
  return {std::move(near), std::move(far)};
}

struct secure_connection {
  braid::tls::stream near;
  braid::tls::stream far;
};
inline secure_connection secure_pair(const any_style& style) {
  shaken ends = shake_hands(style, here_and_now().trusting, here_and_now().serving);
  return {std::move(ends.near).value(), std::move(ends.far).value()};
}

}  // namespace braid_tests
