#include "braid/net/resolve.hpp"

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/error.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/detail/blocking_pool.hpp"
#include "braid/loop/direct_calls.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "resolve"; }
  std::string message(int value) const override { return ::gai_strerror(value); }
};

// Is the service a number, but no port? Text without a letter is no service's name either. getaddrinfo(3)
// would accept "+80" and " 80", and take 99999 modulo 65536.
bool is_no_port(const std::string& service) {
  if (service.empty()) return false;  // port 0
  const bool has_letter = std::any_of(service.begin(), service.end(), [](char each) {
    return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z');
  });
  if (has_letter) return false;
  std::uint16_t port = 0;
  const char* const end = service.data() + service.size();
  const auto [rest, failed] = std::from_chars(service.data(), end, port);
  return failed != std::errc{} || rest != end;
}

// Refuses a zero byte, at which C functions would end the text, and a number that is no port.
void check(const std::string& host, const std::string& service) {
  const bool has_zero = (host + service).find('\0') != std::string::npos;
  if (!has_zero && !is_no_port(service)) return;
  std::string object = host + ":" + service;
  std::ranges::replace(object, '\0', '?');
  object += has_zero ? " (with a zero byte in it)" : " (a port is a number up to 65535)";
  error(std::make_error_code(std::errc::invalid_argument), "resolve", std::move(object)).rethrow();
}

error cancelled(const std::string& name) {
  return error(std::make_error_code(std::errc::operation_canceled), "resolve", name);
}

// A look-up on a thread of the blocking pool. It owns everything it uses, so that it can be abandoned.
class look_up final : public detail::blocking_job, public detail::pooled {
 public:
  using detail::pooled::operator new, detail::pooled::operator delete;
  look_up(std::string host, std::string service, loop& home, operation_base& back)
      : detail::blocking_job(on_thread),
        host_(std::move(host)),
        service_(std::move(service)),
        system_(home.operations().direct().of_threads()),
        home_(home),
        back_(back) {
    may_take_long();
  }
  [[nodiscard]] result<std::vector<endpoint>> ended() && { return std::move(*ended_); }

 private:
  static void on_thread(detail::blocking_job& job) noexcept {
    auto& self = static_cast<look_up&>(job);
    self.ended_.emplace(capture([&] { return self.found(); }));
    if (detail::blocking_pool::end()) return self.home_.operations().deliver(self.back_);
    delete &self;
  }
  [[nodiscard]] std::vector<endpoint> found() const {
    std::vector<sockaddr_storage> addresses;
    if (const int failed = system_.look_up(host_, service_, addresses)) {
      const std::error_code code = failed == EAI_SYSTEM ? std::error_code(errno, std::generic_category())
                                                        : std::error_code(failed, resolve_category());
      error(code, "resolve", host_ + ":" + service_).rethrow();
    }
    return std::vector<endpoint>(addresses.begin(), addresses.end());
  }

  const std::string host_, service_;
  direct_calls& system_;
  loop& home_;
  operation_base& back_;
  std::optional<result<std::vector<endpoint>>> ended_;
};

template <class R>
class look_up_state final : operation_base, cancellation, detail::outside_work {
 public:
  look_up_state(const std::string& host, const std::string& service, R receiver)
      : operation_base(on_loop), host_(host), service_(service), receiver_(std::move(receiver)) {}

  void start() noexcept {
    stop_token token = receiver_.get_stop_token();
    if (home_.ending() || token.stop_requested()) return finish();
    try {
      job_.reset(new look_up(host_, service_, home_, *this));
      home_.operations().offload(*job_);
    } catch (...) {
      return std::move(receiver_).finish(error::current());
    }
    home_.operations().begin_outside(*this);
    arm<on_stop, on_late_stop>(std::move(token));
  }

 private:
  static void on_loop(operation_base& base, completion) noexcept {
    auto& self = static_cast<look_up_state&>(base);
    self.home_.operations().end_outside(self);
    if (self.disarm()) self.finish();
  }
  static void on_stop(cancellation& base) noexcept { static_cast<look_up_state&>(base).stop(); }
  static void on_late_stop(cancellation& base) noexcept { static_cast<look_up_state&>(base).finish(); }
  void stop() noexcept override {
    if (job_ == nullptr) return;  // it is stopped already
    if (home_.operations().withdraw(*job_))
      job_.reset();
    else if (detail::blocking_pool::abandon(*job_))
      (void)job_.release();
    else
      return;
    home_.operations().deliver(*this);
  }
  void finish() noexcept {
    R receiver = std::move(receiver_);
    if (job_ == nullptr) return std::move(receiver).finish(cancelled(host_ + ":" + service_));
    std::move(receiver).finish(std::move(*job_).ended());
  }

  loop& home_ = loop::current("resolve");
  const std::string &host_, &service_;  // owned by the waiting task
  std::unique_ptr<look_up> job_;
  R receiver_;
};

struct look_up_sender {
  using sender_concept = sender_tag;
  using value_type = std::vector<endpoint>;
  const std::string &host, &service;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return look_up_state<R>(host, service, std::move(receiver));
  }
};

}  // namespace

const std::error_category& resolve_category() noexcept {
  alignas(category) static unsigned char place[sizeof(category)];
  static const category& never_destroyed = *new (place) category;
  return never_destroyed;
}

task<std::vector<endpoint>> resolve(std::string host, std::string service) {
  check(host, service);
  co_return co_await look_up_sender{host, service};
}

}  // namespace braid
