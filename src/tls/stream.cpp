#include "braid/tls/stream.hpp"

#include <system_error>
#include <utility>

#include "braid/base/error.hpp"
#include "openssl.hpp"
#include "session.hpp"

namespace braid::tls {

namespace {

template <class T>
task<T> not_open(const char* call) {
  error(std::make_error_code(std::errc::bad_file_descriptor), call).rethrow();
  co_return T();
}
template <>
task<> not_open<void>(const char* call) {
  error(std::make_error_code(std::errc::bad_file_descriptor), call).rethrow();
  co_return;
}

}  // namespace

stream::stream() noexcept = default;
stream::stream(std::unique_ptr<detail::session> open) noexcept : session_(std::move(open)) {}
stream::stream(stream&&) noexcept = default;
stream& stream::operator=(stream&&) noexcept = default;
stream::~stream() = default;

bool stream::is_open() const noexcept { return session_ != nullptr && session_->is_open(); }

task<std::size_t> stream::read_some(writable_bytes to) {
  return session_ ? session_->read_some(to) : not_open<std::size_t>("tls::stream::read_some");
}
task<> stream::read_exactly(writable_bytes to) {
  return session_ ? session_->read_exactly(to) : not_open<void>("tls::stream::read_exactly");
}
task<std::size_t> stream::write_some(readable_bytes from) {
  return session_ ? session_->write_some(from) : not_open<std::size_t>("tls::stream::write_some");
}
task<> stream::write_all(readable_bytes from) {
  return session_ ? session_->write_all(from) : not_open<void>("tls::stream::write_all");
}
task<> stream::shutdown_send() {
  return session_ ? session_->shutdown_send() : not_open<void>("tls::stream::shutdown_send");
}
task<> stream::close() { return session_ ? session_->close() : not_open<void>("tls::stream::close"); }
task<> stream::abort() { return session_ ? session_->abort() : not_open<void>("tls::stream::abort"); }

std::string stream::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  if (session_) SSL_get0_alpn_selected(session_->its_engine().ssl(), &name, &size);
  return name == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(name), size);
}

std::string stream::version() const {
  return session_ ? SSL_get_version(session_->its_engine().ssl()) : std::string();
}

bool stream::is_resumed() const noexcept {
  return session_ && SSL_session_reused(session_->its_engine().ssl()) == 1;
}

std::string stream::host_name() const {
  if (!session_) return {};
  const detail::engine& of = session_->its_engine();
  if (!of.with().is_server) return of.host();
  const char* asked = SSL_get_servername(of.ssl(), TLSEXT_NAMETYPE_host_name);
  return asked == nullptr ? std::string() : asked;
}

std::string stream::peer_subject() const {
  X509* peer = session_ ? SSL_get0_peer_certificate(session_->its_engine().ssl()) : nullptr;
  if (peer == nullptr) return {};
  const detail::bio_ptr text(BIO_new(BIO_s_mem()));
  if (text == nullptr) throw std::bad_alloc();
  X509_NAME_print_ex(text.get(), X509_get_subject_name(peer), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

}  // namespace braid::tls
