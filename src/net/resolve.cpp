#include "braid/net/resolve.hpp"

#include <netdb.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "braid/base/error.hpp"
#include "braid/schedule/offload.hpp"

namespace braid {

namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "resolve"; }
  std::string message(int value) const override { return ::gai_strerror(value); }
};

std::vector<endpoint> look_up(const std::string& host, const std::string& service) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
  if (failed != 0) {
    const std::error_code code = failed == EAI_SYSTEM ? std::error_code(errno, std::generic_category())
                                                      : std::error_code(failed, resolve_category());
    error(code, "resolve", host + ":" + service).rethrow();
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, ::freeaddrinfo);
  std::vector<endpoint> found;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, each->ai_addr, each->ai_addrlen);
    found.emplace_back(storage);
  }
  if (found.empty())
    error(std::error_code(EAI_NONAME, resolve_category()), "resolve", host + ":" + service).rethrow();
  return found;
}

}  // namespace

const std::error_category& resolve_category() noexcept {
  static const category instance;
  return instance;
}

task<std::vector<endpoint>> resolve(std::string host, std::string service) {
  co_return co_await offload([&] { return look_up(host, service); });
}

}  // namespace braid
