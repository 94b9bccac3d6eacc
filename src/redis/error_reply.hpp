#pragma once

#include <string_view>

#include "braid/redis/error.hpp"

namespace braid::redis::detail {

[[nodiscard]] errc code_of_reply(std::string_view text) noexcept;
/// The error that stands for the error reply of a command.
[[nodiscard]] error error_of_reply(std::string_view text, const char* call, std::string_view command);

}  // namespace braid::redis::detail
