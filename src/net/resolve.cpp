#include "braid/net/resolve.hpp"

#include <netdb.h>

#include <cerrno>

#include "braid/base/error.hpp"
#include "braid/loop/direct_calls.hpp"
#include "braid/schedule/offload.hpp"

namespace braid {

namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "resolve"; }
  std::string message(int value) const override { return ::gai_strerror(value); }
};

std::vector<endpoint> look_up(direct_calls& system, const std::string& host, const std::string& service) {
  std::vector<sockaddr_storage> addresses;
  if (const int failed = system.look_up(host, service, addresses)) {
    const std::error_code code = failed == EAI_SYSTEM ? std::error_code(errno, std::generic_category())
                                                      : std::error_code(failed, resolve_category());
    error(code, "resolve", host + ":" + service).rethrow();
  }
  return std::vector<endpoint>(addresses.begin(), addresses.end());
}

}  // namespace

const std::error_category& resolve_category() noexcept {
  static const category instance;
  return instance;
}

task<std::vector<endpoint>> resolve(std::string host, std::string service) {
  direct_calls& system = direct_calls::current();  // the pool's threads have no loop
  co_return co_await offload([&] { return look_up(system, host, service); });
}

}  // namespace braid
