#pragma once

#include <string>
#include <system_error>
#include <vector>

#include "braid/net/endpoint.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// The codes of getaddrinfo(3), EAI_NONAME and its kin.
[[nodiscard]] const std::error_category& resolve_category() noexcept;

/// The endpoints of a host and a service ("example.org", "https"; numbers will do), in the system's order; at
/// least one. The look-up runs on the blocking pool.
///
/// Errors  a code of resolve_category, the message naming host and service.
/// Cancel  only before it begins: getaddrinfo cannot be interrupted.
[[nodiscard]] task<std::vector<endpoint>> resolve(std::string host, std::string service);

}  // namespace braid
