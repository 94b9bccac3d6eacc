#include "engine.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "failure.hpp"

namespace braid::tls::detail {

namespace {

constexpr std::size_t small_input = 4 << 10;
constexpr std::size_t large_input = 32 << 10;  // for a stream that comes fast: the largest record and more
constexpr std::size_t most_kept = 4 << 10;     // an empty output that is larger gives its memory back
constexpr std::size_t record_bytes = 16 << 10;

int read_input(BIO* bio, char* to, int size) noexcept {
  BIO_clear_retry_flags(bio);
  auto& self = *static_cast<engine*>(BIO_get_data(bio));
  const std::size_t got = self.give_input(to, static_cast<std::size_t>(std::max(size, 0)));
  if (got != 0) return static_cast<int>(got);
  BIO_set_retry_read(bio);
  return -1;
}

int write_output(BIO* bio, const char* from, int size) noexcept {
  BIO_clear_retry_flags(bio);
  auto& self = *static_cast<engine*>(BIO_get_data(bio));
  return self.take_output(from, static_cast<std::size_t>(std::max(size, 0))) ? size : -1;
}

long control(BIO*, int what, long, void*) noexcept { return what == BIO_CTRL_FLUSH ? 1 : 0; }

// The ends of an engine, as OpenSSL sees them.
const BIO_METHOD* ends() {
  static const std::unique_ptr<BIO_METHOD, freed_by<BIO_meth_free>> made([] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "braid");
    if (method == nullptr || BIO_meth_set_read(method, read_input) != 1 ||
        BIO_meth_set_write(method, write_output) != 1 || BIO_meth_set_ctrl(method, control) != 1)
      throw std::bad_alloc();
    return method;
  }());
  return made.get();
}

}  // namespace

engine::engine(std::shared_ptr<context_state> with, std::string host, std::string key)
    : with_(std::move(with)), host_(std::move(host)), key_(std::move(key)) {
  forget_errors();
  ssl_.reset(SSL_new(with_->ssl.get()));
  BIO* both = ssl_ == nullptr ? nullptr : BIO_new(ends());
  if (both == nullptr) {
    ERR_clear_error();
    throw std::bad_alloc();
  }
  BIO_set_data(both, this);
  BIO_set_init(both, 1);
  SSL_set_bio(ssl_.get(), both, both);
  SSL_set_app_data(ssl_.get(), this);
  if (with_->is_server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
    expect_host();
    resume_session();
  }
}

engine::~engine() {
  // An end without a close_notify does not make the session worthless.
  if (SSL_is_init_finished(ssl_.get()) == 1)
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

engine& engine::of(SSL* ssl) noexcept { return *static_cast<engine*>(SSL_get_app_data(ssl)); }

void engine::expect_host() {
  if (host_.find('\0') != std::string::npos)
    invalid_argument_error("tls::connect", "the host has a zero byte").rethrow();
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set_hostflags(expected,
                                  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const std::string address = host_.substr(0, host_.find('%'));  // without the zone
  const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(expected, address.c_str()) == 1;
  const bool verifies = with_->verify == verification::host;
  if (is_address && !verifies) X509_VERIFY_PARAM_set1_ip(expected, nullptr, 0);
  if (is_address) return forget_errors();
  std::string name = host_;
  if (name.ends_with('.')) name.pop_back();
  if (name.empty()) invalid_argument_error("tls::connect", "the host has no name").rethrow();
  if (verifies && SSL_set1_host(ssl_.get(), name.c_str()) != 1) failure("tls::connect", host_).rethrow();
  if (SSL_set_tlsext_host_name(ssl_.get(), name.c_str()) != 1) failure("tls::connect", host_).rethrow();
}

void engine::resume_session() noexcept {
  if (const session_ptr earlier = with_->cache.take(key_); earlier != nullptr)
    SSL_set_session(ssl_.get(), earlier.get());
}

void engine::keep(session_ptr session) noexcept {
  try {
    with_->cache.put(key_, std::move(session));
  } catch (const std::bad_alloc&) {  // then the next handshake is a whole one
  }
}

engine::outcome engine::outcome_of(int returned) const noexcept {
  if (returned > 0) return outcome::done;
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ: return outcome::wants_input;
    case SSL_ERROR_ZERO_RETURN: return outcome::ended;
    default: return outcome::failed;
  }
}

engine::outcome engine::shake_hands() noexcept {
  forget_errors();
  return outcome_of(SSL_do_handshake(ssl_.get()));
}

engine::step engine::decrypt(void* to, std::size_t size) noexcept {
  forget_errors();
  std::size_t got = 0;
  const outcome how = outcome_of(SSL_read_ex(ssl_.get(), to, size, &got));
  return {how, got};
}

engine::step engine::encrypt(const void* from, std::size_t size) noexcept {
  forget_errors();
  std::size_t taken = 0;
  const outcome how = outcome_of(SSL_write_ex(ssl_.get(), from, std::min(size, record_bytes), &taken));
  return {how, taken};
}

engine::outcome engine::end_sending() noexcept {
  forget_errors();
  const int returned = SSL_shutdown(ssl_.get());
  return returned == 0 ? outcome::done : outcome_of(returned);
}

error engine::why(const char* call, std::string object) {
  const error made = failure(call, std::move(object), SSL_get_verify_result(ssl_.get()));
  return lacks_memory_ ? error::out_of_memory() : made;
}

std::span<char> engine::room() {
  BRAID_ASSERT(begin_ == end_);
  const std::size_t wanted = comes_fast_ ? large_input : small_input;
  if (size_ != wanted) {
    memory_ = std::make_unique_for_overwrite<char[]>(wanted);
    size_ = wanted;
  }
  begin_ = end_ = 0;
  return {memory_.get(), size_};
}

void engine::received(std::size_t bytes) noexcept {
  end_ = bytes;
  comes_fast_ = bytes == size_ || (comes_fast_ && bytes > small_input);
}

std::size_t engine::give_input(char* to, std::size_t size) noexcept {
  const std::size_t given = std::min(size, end_ - begin_);
  if (given != 0) std::memcpy(to, memory_.get() + begin_, given);
  begin_ += given;
  return given;
}

std::span<const char> engine::output() noexcept {
  if (sending_.empty()) std::swap(sending_, next_);
  return {sending_.data() + sent_, sending_.size() - sent_};
}

void engine::sent(std::size_t bytes) noexcept {
  sent_ += bytes;
  if (sent_ < sending_.size()) return;
  sent_ = 0;
  sending_.clear();
  if (sending_.capacity() > most_kept) std::string().swap(sending_);
}

bool engine::take_output(const char* from, std::size_t size) noexcept {
  try {
    next_.append(from, size);
    return true;
  } catch (const std::bad_alloc&) {
    lacks_memory_ = true;
    return false;
  }
}

}  // namespace braid::tls::detail
