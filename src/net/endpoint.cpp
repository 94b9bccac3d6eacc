#include "braid/net/endpoint.hpp"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <system_error>

namespace braid {

namespace {

[[noreturn]] void refuse(std::string what) {
  throw std::system_error(std::make_error_code(std::errc::invalid_argument), "endpoint " + std::move(what));
}

// Reads the scope after the '%' of an IPv6 address: a number, or the name of an interface of this machine.
bool read_scope(const std::string& text, std::uint32_t& scope) {
  const char* const end = text.data() + text.size();
  if (const auto [rest, failed] = std::from_chars(text.data(), end, scope); rest == end)
    return failed == std::errc{};
  scope = ::if_nametoindex(text.c_str());
  return scope != 0;
}

// As getnameinfo(3) writes it: only the scope of a link-local address is shown by name.
std::string scope_text(const sockaddr_in6& address) {
  if (address.sin6_scope_id == 0) return {};
  std::array<char, IF_NAMESIZE> name{};
  const bool is_local =
      IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&address.sin6_addr);
  if (is_local && ::if_indextoname(address.sin6_scope_id, name.data()) != nullptr)
    return "%" + std::string(name.data());
  return "%" + std::to_string(address.sin6_scope_id);
}

}  // namespace

endpoint::endpoint() noexcept : address_{} { address_.v4.sin_family = AF_INET; }

endpoint::endpoint(std::string_view address, std::uint16_t port) : address_{} {
  const std::string text(address);
  if (text.find('\0') != std::string::npos)
    refuse("with a zero byte in it");  // the system would ignore the rest
  if (::inet_pton(AF_INET, text.c_str(), &address_.v4.sin_addr) == 1) {
    address_.v4.sin_family = AF_INET;
  } else {
    address_.v6 = {};
    const std::size_t percent = std::min(text.find('%'), text.size());
    if (::inet_pton(AF_INET6, text.substr(0, percent).c_str(), &address_.v6.sin6_addr) != 1)
      refuse("'" + text + "'");
    if (percent != text.size() && !read_scope(text.substr(percent + 1), address_.v6.sin6_scope_id))
      refuse("'" + text + "': no such interface");
    address_.v6.sin6_family = AF_INET6;
  }
  address_.v6.sin6_port = htons(port);
}

endpoint::endpoint(const sockaddr_storage& from) : address_{} {
  if (from.ss_family == AF_INET)
    std::memcpy(&address_.v4, &from, sizeof address_.v4);
  else if (from.ss_family == AF_INET6)
    std::memcpy(&address_.v6, &from, sizeof address_.v6);
  else
    refuse("of family " + std::to_string(from.ss_family));
}

result<endpoint> endpoint::parse(std::string_view text) {
  const error bad(std::make_error_code(std::errc::invalid_argument), "endpoint",
                  "'" + std::string(text) + "'");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad;
  std::string_view address = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (address.find(':') != std::string_view::npos) {
    if (address.size() < 2 || address.front() != '[' || address.back() != ']') return bad;
    address = address.substr(1, address.size() - 2);
  }
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failed != std::errc{} || end != digits.data() + digits.size()) return bad;
  return capture([&] { return endpoint(address, port); });
}

endpoint endpoint::loopback(std::uint16_t port) { return endpoint("127.0.0.1", port); }

endpoint endpoint::unmapped() const noexcept {
  if (family() != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address_.v6.sin6_addr)) return *this;
  endpoint v4;
  v4.address_.v4.sin_port = address_.v6.sin6_port;
  std::memcpy(&v4.address_.v4.sin_addr, &address_.v6.sin6_addr.s6_addr[12], sizeof(in_addr));
  return v4;
}

std::string endpoint::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = family() == AF_INET;
  ::inet_ntop(family(), v4 ? static_cast<const void*>(&address_.v4.sin_addr) : &address_.v6.sin6_addr,
              text.data(), text.size());
  const std::string address(text.data());
  return (v4 ? address : "[" + address + scope_text(address_.v6) + "]") + ":" + std::to_string(port());
}

bool operator==(const endpoint& left, const endpoint& right) noexcept {
  if (left.family() != right.family() || left.port() != right.port()) return false;
  if (left.family() == AF_INET) return left.address_.v4.sin_addr.s_addr == right.address_.v4.sin_addr.s_addr;
  return std::memcmp(&left.address_.v6.sin6_addr, &right.address_.v6.sin6_addr, sizeof(in6_addr)) == 0 &&
         left.address_.v6.sin6_scope_id == right.address_.v6.sin6_scope_id;
}

}  // namespace braid
