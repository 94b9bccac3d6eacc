#pragma once

#include <string>

#include "braid/base/error.hpp"
#include "braid/loop/request.hpp"

namespace braid::detail {

/// The error of a failed request: its call, its object ("/etc", "127.0.0.1:80") and its errno.
[[nodiscard]] error request_error(const char* call, const request& what, int code,
                                  std::string object = {}) noexcept;

}  // namespace braid::detail
