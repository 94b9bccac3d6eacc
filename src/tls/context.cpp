#include "braid/tls/context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "braid/base/error.hpp"
#include "braid/tls/error.hpp"
#include "context_state.hpp"
#include "engine.hpp"
#include "failure.hpp"

namespace braid::tls {

namespace {

using namespace detail;

constexpr const char* call = "tls::context";

[[noreturn]] void fail(std::string object) { failure(call, std::move(object)).rethrow(); }

std::string read_whole(const std::string& path) {
  if (path.find('\0') != std::string::npos)
    error(std::make_error_code(std::errc::invalid_argument), call,
          path.c_str() + std::string(" (a zero byte)"))
        .rethrow();
  const std::unique_ptr<std::FILE, freed_by<std::fclose>> file(std::fopen(path.c_str(), "re"));
  std::string text;
  std::array<char, 8192> part;
  while (file != nullptr) {
    const std::size_t got = std::fread(part.data(), 1, part.size(), file.get());
    text.append(part.data(), got);
    if (got == part.size()) continue;
    if (std::ferror(file.get()) == 0) return text;
    break;
  }
  error(std::error_code(errno, std::system_category()), call, path).rethrow();
}

// The text of a pem, and how messages call it.
struct source {
  explicit source(const pem& from, const char* what)
      : text(from.is_file() ? read_whole(from.what()) : from.what()),
        name(from.is_file() ? from.what() : what),
        bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))) {
    if (bio == nullptr) fail(name);
  }
  std::string text;
  std::string name;
  bio_ptr bio;
};

// An encrypted key must not ask for its password at the terminal.
int no_password(char*, int, int, void*) { return -1; }

// Calls use(certificate) for each one in `from`; at least one.
template <class F>
void each_certificate(source& from, F use) {
  forget_errors();
  std::size_t found = 0;
  while (x509_ptr one{PEM_read_bio_X509_AUX(from.bio.get(), nullptr, no_password, nullptr)}) {
    ++found;
    use(std::move(one));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (found == 0 || !at_end) fail(from.name);
  ERR_clear_error();
}

void use_certificate(SSL_CTX* ssl, const pem& chain, const pem& key) {
  if (chain.is_empty() != key.is_empty())
    invalid_argument_error(call, "a certificate needs its key, and a key its certificate").rethrow();
  if (chain.is_empty()) return;
  source certificates(chain, "(certificate)");
  bool is_first = true;
  each_certificate(certificates, [&](x509_ptr one) {
    const bool added = is_first ? SSL_CTX_use_certificate(ssl, one.get()) == 1
                                : SSL_CTX_add0_chain_cert(ssl, one.get()) == 1;
    if (!added) fail(certificates.name);
    if (!std::exchange(is_first, false)) (void)one.release();
  });
  source secret(key, "(key)");
  const key_ptr made(PEM_read_bio_PrivateKey(secret.bio.get(), nullptr, no_password, nullptr));
  OPENSSL_cleanse(secret.text.data(), secret.text.size());
  if (made == nullptr || SSL_CTX_use_PrivateKey(ssl, made.get()) != 1 || SSL_CTX_check_private_key(ssl) != 1)
    fail(secret.name);
}

void trust(SSL_CTX* ssl, const pem& authorities, bool names_them) {
  source from(authorities, "(authorities)");
  each_certificate(from, [&](const x509_ptr& one) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), one.get()) != 1) fail(from.name);
    if (names_them && SSL_CTX_add_client_CA(ssl, one.get()) != 1) fail(from.name);
  });
}

// Not SSL_CTX_set_default_verify_paths, which also looks into a folder, during handshakes.
void trust_system(SSL_CTX* ssl) {
  const char* chosen = std::getenv(X509_get_default_cert_file_env());
  if (chosen != nullptr) return trust(ssl, pem::file(chosen), false);
  for (const char* path :
       {X509_get_default_cert_file(), "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    if (const std::unique_ptr<std::FILE, freed_by<std::fclose>> there(std::fopen(path, "re"));
        there != nullptr)
      return trust(ssl, pem::file(path), false);
  }
  error(std::make_error_code(std::errc::no_such_file_or_directory), call,
        "(the system's authorities; SSL_CERT_FILE can name them)")
      .rethrow();
}

std::string on_wire(const std::vector<std::string>& protocols) {
  std::string all;
  for (const std::string& each : protocols) {
    if (each.empty() || each.size() > 255)
      invalid_argument_error(call, "the name of a protocol has 1 to 255 bytes").rethrow();
    all.append(1, static_cast<char>(each.size())).append(each);
  }
  return all;
}

// Chooses the first of the server's protocols that the client knows.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* known, unsigned known_size, void* context) noexcept {
  const std::string& ours = static_cast<const context_state*>(context)->protocols;
  unsigned char* found = nullptr;
  const int how =
      SSL_select_next_proto(&found, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), known, known_size);
  if (how != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

// A client has got a session that later connections can resume.
int keep_session(SSL* of, SSL_SESSION* session) noexcept {
  engine::of(of).keep(session_ptr(session));
  return 1;  // it is ours now
}

void set_up(context_state& state, version least, const std::vector<std::string>& protocols) {
  SSL_CTX* ssl = state.ssl.get();
  if (ssl == nullptr) fail({});
  SSL_CTX_set_min_proto_version(ssl, least == version::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(
      ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  state.protocols = on_wire(protocols);
}

}  // namespace

namespace detail {

context_state::context_state(bool serves, std::size_t sessions, loop_clock::duration handshake,
                             loop_clock::duration close)
    : is_server(serves), handshake_within(handshake), close_within(close), cache(sessions) {
  forget_errors();
  ssl.reset(SSL_CTX_new(serves ? TLS_server_method() : TLS_client_method()));
}

}  // namespace detail

context::context(const client_options& how)
    : state_(std::make_shared<context_state>(false, how.sessions, how.handshake_within, how.close_within)) {
  set_up(*state_, how.least, how.protocols);
  SSL_CTX* ssl = state_->ssl.get();
  state_->verify = how.verify;
  SSL_CTX_set_verify(ssl, how.verify == verification::none ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  use_certificate(ssl, how.certificate, how.key);
  if (how.system_authorities && how.verify != verification::none) trust_system(ssl);
  for (const pem& each : how.authorities) trust(ssl, each, false);
  if (!state_->protocols.empty())
    SSL_CTX_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(state_->protocols.data()),
                            static_cast<unsigned>(state_->protocols.size()));
  if (how.sessions == 0) {
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
  } else {
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, keep_session);
  }
}

context::context(const server_options& how)
    : state_(std::make_shared<context_state>(true, 0, how.handshake_within, how.close_within)) {
  if (how.certificate.is_empty()) invalid_argument_error(call, "a server needs a certificate").rethrow();
  if (how.client_certificates != client_certificate::none && how.authorities.empty())
    invalid_argument_error(call, "clients' certificates need authorities").rethrow();
  set_up(*state_, how.least, how.protocols);
  SSL_CTX* ssl = state_->ssl.get();
  use_certificate(ssl, how.certificate, how.key);
  for (const pem& each : how.authorities) trust(ssl, each, true);
  int verify = SSL_VERIFY_NONE;
  if (how.client_certificates != client_certificate::none) verify = SSL_VERIFY_PEER;
  if (how.client_certificates == client_certificate::required) verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(ssl, verify, nullptr);
  if (!state_->protocols.empty()) SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, state_.get());
  constexpr std::string_view name = "braid";  // a session is of use only where it was made
  SSL_CTX_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(name.data()),
                                 static_cast<unsigned>(name.size()));
  if (how.sessions == 0) {
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ssl, 0);
  } else {
    SSL_CTX_sess_set_cache_size(ssl, static_cast<long>(how.sessions));
  }
}

std::size_t context::kept_sessions() const { return state_->cache.size(); }

}  // namespace braid::tls
