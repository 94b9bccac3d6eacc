#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "braid/base/result.hpp"
#include "braid/loop/detail/request_error.hpp"
#include "braid/loop/io_outcome.hpp"
#include "braid/loop/request.hpp"
#include "braid/net/detail/message.hpp"
#include "braid/net/endpoint.hpp"

namespace braid::udp::detail {

using braid::detail::message;

struct send_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return "socket::send"; }
  static constexpr io_hooks hooks{.prepare = true};
  [[nodiscard]] int prepare(request& what) noexcept { return whole.prepare(what); }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
  message whole;
};

struct send_to_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return "socket::send_to"; }
  static constexpr io_hooks hooks{.prepare = true, .object = true};
  [[nodiscard]] int prepare(request& what) noexcept { return whole.prepare(what, to.data(), to.size()); }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
  [[nodiscard]] std::string object() const { return to.to_string(); }
  message whole;
  endpoint to;
};

inline constexpr char receive_name[] = "socket::receive", receive_from_name[] = "socket::receive_from";

template <const char* Name, class Datagram>
struct receive_outcome {
  using value_type = Datagram;
  static constexpr io_hooks hooks{.prepare = true};
  static constexpr const char* name() noexcept { return Name; }
  // An endpoint has room for an address of either family.
  [[nodiscard]] int prepare(request& what) noexcept { return whole.prepare(what, from.data(), sizeof from); }
  result<Datagram> operator()(std::int32_t ended, const request& what) const {
    if (from.family() != AF_INET && from.family() != AF_INET6)
      return braid::detail::request_error(Name, what, EAFNOSUPPORT);
    return Datagram{static_cast<std::size_t>(ended), from, (whole.header.msg_flags & MSG_TRUNC) != 0};
  }
  message whole;
  endpoint from{};
};

}  // namespace braid::udp::detail
