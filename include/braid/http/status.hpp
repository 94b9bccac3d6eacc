#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include "braid/base/error.hpp"

namespace braid::http {

/// The words that stand beside a status code: "Not Found" for 404; empty for a code without any.
///
///     log(std::to_string(404) + " " + std::string(http::reason_of(404)));
[[nodiscard]] std::string_view reason_of(int status) noexcept;

/// The category of errors whose code is a status code.
///
///     const auto answer = co_await as_result(fetch("page"));
///     if (!answer && answer.error().code().category() == http::status_category()) log("refused");
[[nodiscard]] const std::error_category& status_category() noexcept;

/// An error that a handler throws to answer with this status. `why` is for the log; the client gets the
/// status alone.
///
///     task<http::response> erase(http::request& asked) {
///       if (!asked.headers.has("authorization")) http::status_error(401, "erase").rethrow();
///       co_return http::response(204);
///     }
[[nodiscard]] error status_error(int status, std::string why);

}  // namespace braid::http
