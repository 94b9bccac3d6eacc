#pragma once

#include <string>
#include <system_error>
#include <vector>

#include "braid/net/endpoint.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// The error codes of getaddrinfo(3), such as EAI_NONAME.
///
///     const auto found = co_await as_result(resolve("no.such.host", "https"));
///     if (!found && found.error().code().category() == resolve_category()) log(found.error().message());
[[nodiscard]] const std::error_category& resolve_category() noexcept;

/// Looks up the endpoints of a host and a service ("example.org", "https", or numbers). At least one, in the
/// system's order. The look-up runs on the blocking pool.
///
///     const std::vector<endpoint> found = co_await resolve("example.org", "https");
///     const tcp::stream server = co_await tcp::connect(found.front());
///
/// Errors  a code of resolve_category, or the system's errno, with host and service in the message;
///         std::errc::invalid_argument for a zero byte, and for a number that is no port ("99999", "+80").
/// Cancel  ends as cancelled at once. getaddrinfo cannot be interrupted: a thread that has begun it is left
///         behind, and its result is dropped. Neither the loop's end nor the process's waits for it.
[[nodiscard]] task<std::vector<endpoint>> resolve(std::string host, std::string service);

}  // namespace braid
