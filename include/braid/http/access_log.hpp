#pragma once

#include <chrono>
#include <string>

#include "braid/http/server_options.hpp"

namespace braid::http {

/// A request as a line of the Common Log Format, which log analysers read, without the line's end, such as
/// 192.0.2.7 - - [01/Dec/2026:08:15:30 +0000] "GET /jobs/7 HTTP/1.1" 200 6
///
///     http::server_options how;
///     how.on_access = [](const http::access& done) { log(http::to_common_log(done)); };
///
/// The peer's address is without its port, "-" where the connection does not know it; the two fields behind
/// it, for the names of users, are always "-". The time is in UTC. A request that could not be read is "-".
/// The bytes are those of the response's body, "-" for none.
///
/// A client can forge no line, and send no command to a terminal: a quotation mark and a backslash of the
/// request have a backslash before them, and control characters and bytes beyond ASCII are written as a
/// backslash, an x and two hexadecimal digits.
///
/// Source  the log of CERN's httpd, which is Apache's format "common".
[[nodiscard]] std::string to_common_log(
    const access& done, std::chrono::system_clock::time_point at = std::chrono::system_clock::now());

}  // namespace braid::http
