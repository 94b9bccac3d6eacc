#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/loop/bytes.hpp"
#include "context_state.hpp"
#include "openssl.hpp"

namespace braid::tls::detail {

// OpenSSL's state of one connection, between two pieces of memory: what has come from the stream below, and
// what shall go there. It never waits.
class engine : braid::pinned {
 public:
  enum class outcome {
    done,
    wants_input,  // all that has come is used up
    ended,  // by the peer's close_notify
    failed,
  };
  struct step {
    outcome how;
    std::size_t bytes = 0;
  };

  /// A client expects the certificate of this host, and resumes a session that was kept by this key.
  engine(std::shared_ptr<context_state> with, std::string host, std::string key);
  ~engine();
  [[nodiscard]] static engine& of(SSL* ssl) noexcept;

  [[nodiscard]] outcome shake_hands() noexcept;
  /// Would decrypt want input? Asking is cheaper than trying.
  [[nodiscard]] bool wants_input() const noexcept {
    return begin_ == end_ && SSL_has_pending(ssl_.get()) == 0 && !has_ended();
  }
  [[nodiscard]] step decrypt(void* to, std::size_t size) noexcept;
  /// Encrypts at most one record.
  [[nodiscard]] step encrypt(const void* from, std::size_t size) noexcept;
  /// Makes a close_notify.
  [[nodiscard]] outcome end_sending() noexcept;
  /// Has the peer's close_notify come?
  [[nodiscard]] bool has_ended() const noexcept {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  /// Why the last call failed.
  [[nodiscard]] error why(const char* call, std::string object);

  // The stream below
  /// Where to put what comes. Only while nothing that has come is left, as after wants_input.
  [[nodiscard]] std::span<char> room();
  void received(std::size_t bytes) noexcept;
  /// What shall go. The bytes stay at their address until sent() is called, which takes the first ones away.
  [[nodiscard]] std::span<const char> output() noexcept;
  void sent(std::size_t bytes) noexcept;
  [[nodiscard]] bool has_output() const noexcept { return !sending_.empty() || !next_.empty(); }
  [[nodiscard]] std::size_t output_size() const noexcept { return sending_.size() - sent_ + next_.size(); }

  // For the callbacks
  void keep(session_ptr session) noexcept;
  [[nodiscard]] std::size_t give_input(char* to, std::size_t size) noexcept;
  [[nodiscard]] bool take_output(const char* from, std::size_t size) noexcept;

  [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }
  [[nodiscard]] const std::string& host() const noexcept { return host_; }
  [[nodiscard]] const context_state& with() const noexcept { return *with_; }

 private:
  void expect_host();
  void resume_session() noexcept;
  [[nodiscard]] outcome outcome_of(int returned) const noexcept;

  const std::shared_ptr<context_state> with_;
  const std::string host_, key_;
  ssl_ptr ssl_;
  bool lacks_memory_ = false;

  // input
  std::unique_ptr<char[]> memory_;
  std::size_t size_ = 0, begin_ = 0, end_ = 0;
  bool comes_fast_ = false;

  // output
  std::string next_;  // OpenSSL appends to it
  std::string sending_;  // goes before it
  std::size_t sent_ = 0;  // of it
};

}  // namespace braid::tls::detail
