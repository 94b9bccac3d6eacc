#pragma once

#include <memory>
#include <string>

#include "braid/tls/context.hpp"

namespace braid_tests {

/// A certificate and its key, in PEM.
struct identity {
  std::string certificate;
  std::string key;
};

/// What a certificate says.
struct subject {
  std::string name = "localhost";
  std::string alternatives =
      "DNS:localhost,IP:127.0.0.1,IP:::1";  ///< as the extension is written; may be empty
  long begins = -3600;  ///< seconds from now
  long ends = 3600;
};

/// Makes certificates for tests, signed by itself.
class authority {
 public:
  explicit authority(const std::string& name = "tests");
  ~authority();
  [[nodiscard]] identity issue(const subject& about = {}) const;
  /// Its own certificate.
  [[nodiscard]] braid::tls::pem certificate() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Options of a server with a certificate of the authority, and of a client that trusts nobody else.
[[nodiscard]] braid::tls::server_options serves_as(const identity& whom);
[[nodiscard]] braid::tls::client_options trusts(const authority& whom);

}  // namespace braid_tests
