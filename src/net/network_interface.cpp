#include "braid/net/network_interface.hpp"

#include <net/if.h>

#include <cerrno>
#include <string>

#include "socket_calls.hpp"

namespace braid {

network_interface::network_interface(std::string_view name) {
  const std::string text(name);
  if (text.find('\0') == std::string::npos) index_ = ::if_nametoindex(text.c_str());
  if (index_ == 0) detail::fail(ENODEV, "network_interface", "'" + text + "'");
}

}  // namespace braid
