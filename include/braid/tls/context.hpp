#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "braid/loop/clock.hpp"

namespace braid::tls {

namespace detail {
struct context_state;
}  // namespace detail

/// Certificates or a key in PEM: the path of a file, or the text itself.
///
///     const tls::pem chain = tls::pem::file("/etc/ssl/private/chain.pem");
///     const tls::pem key = tls::pem::text("-----BEGIN PRIVATE KEY-----\n");
class pem {
 public:
  pem() = default;
  /// Is read when a context is made of it.
  [[nodiscard]] static pem file(std::string path) { return pem(std::move(path), true); }
  [[nodiscard]] static pem text(std::string text) { return pem(std::move(text), false); }
  [[nodiscard]] bool is_empty() const noexcept { return what_.empty(); }
  [[nodiscard]] bool is_file() const noexcept { return is_file_; }
  /// The path or the text.
  [[nodiscard]] const std::string& what() const noexcept { return what_; }

 private:
  pem(std::string what, bool is_file) : what_(std::move(what)), is_file_(is_file) {}
  std::string what_;
  bool is_file_ = false;
};

/// A version of TLS.
///
///     tls::client_options modern;
///     modern.least = tls::version::tls_1_3;
enum class version { tls_1_2, tls_1_3 };

/// What a client verifies of the server's certificate.
///
///     tls::client_options careless;
///     careless.verify = tls::verification::none;  // for experiments: anybody can pretend to be the server
enum class verification {
  host,   ///< that a trusted authority made it for this host or address
  chain,  ///< only that a trusted authority made it
  none,
};

/// Whether a server asks its clients for certificates.
///
///     tls::server_options strict;
///     strict.client_certificates = tls::client_certificate::required;
enum class client_certificate { none, wanted, required };

/// How a client speaks TLS.
///
///     tls::client_options ours;
///     ours.authorities.push_back(tls::pem::file("/etc/braid/our-ca.pem"));
///     const tls::context trusting(std::move(ours));
struct client_options {
  bool system_authorities = true;  ///< trusts what the system trusts: SSL_CERT_FILE, or the usual files
  std::vector<pem> authorities{};  ///< trusted as well
  pem certificate{};  ///< of the client: its own, then those of its authorities
  pem key{};  ///< of that certificate, not encrypted
  std::vector<std::string> protocols{};  ///< ALPN, the preferred one first
  version least = version::tls_1_2;
  verification verify = verification::host;
  std::size_t sessions = 1000;  ///< kept for the next connection, for all hosts together; 0: no resumption
  loop_clock::duration handshake_within = std::chrono::seconds(10);  ///< longer is handshake_timed_out
  loop_clock::duration close_within = std::chrono::seconds(1);  ///< how long close() waits for the peer
};

/// How a server speaks TLS.
///
///     tls::server_options mine;
///     mine.certificate = tls::pem::file("/etc/braid/chain.pem");
///     mine.key = tls::pem::file("/etc/braid/key.pem");
///     const tls::context serving(std::move(mine));
struct server_options {
  pem certificate{};  ///< the server's own, then those of its authorities
  pem key{};  ///< of that certificate, not encrypted
  client_certificate client_certificates = client_certificate::none;
  std::vector<pem> authorities{};  ///< of the clients' certificates
  std::vector<std::string> protocols{};  ///< ALPN, the preferred one first
  version least = version::tls_1_2;
  std::size_t sessions = 1000;  ///< of TLS 1.2; those of 1.3 are kept by the clients. 0: no resumption
  loop_clock::duration handshake_within = std::chrono::seconds(10);  ///< longer is handshake_timed_out
  loop_clock::duration close_within = std::chrono::seconds(1);  ///< how long close() waits for the peer
};

/// What connections have in common: certificates, authorities, and the sessions that later connections
/// resume.
///
///     const tls::context trusting(tls::client_options{});
///     tls::stream peer = co_await tls::connect("example.org", "https", trusting);
///
/// Lifetime  a handle; its connections hold what they need of it.
/// Threads   any: one context serves the connections of all loops.
/// Errors    of making one: std::system_error for a file that cannot be read, and for what is no certificate
///           or no key to it; std::invalid_argument for options that contradict each other.
/// Cost      making one reads files, which blocks: the system's authorities take tens of milliseconds.
///           Nothing else in this room touches a file. So make it before the loop is busy, and once.
class context {
 public:
  explicit context(const client_options& how);
  explicit context(const server_options& how);

  /// How many sessions a client keeps for later connections.
  [[nodiscard]] std::size_t kept_sessions() const;

  // For the machinery.
  [[nodiscard]] const std::shared_ptr<detail::context_state>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<detail::context_state> state_;
};

}  // namespace braid::tls
