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
/// Errors  a code of resolve_category, the message naming host and service; std::errc::invalid_argument for
///         a zero byte in either and for a number that is no port ("99999", "-1", "+80").
/// Cancel  ends as cancelled at once. getaddrinfo cannot be interrupted: a thread that is at it already is
///         left behind, and what it finds is dropped. Neither a loop's end nor the process's waits for it.
[[nodiscard]] task<std::vector<endpoint>> resolve(std::string host, std::string service);

}  // namespace braid
