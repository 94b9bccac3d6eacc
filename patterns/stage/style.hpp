#pragma once

#include <array>
#include <string_view>

namespace stage {

/// The five ways to wait for one operation.
enum class style { blocking, callback, future, coroutine, fiber };

inline constexpr std::array every_style{style::blocking, style::callback, style::future,
                                        style::coroutine, style::fiber};

[[nodiscard]] constexpr std::string_view name_of(style which) {
  constexpr std::array<std::string_view, 5> names{"blocking", "callback", "future", "coroutine",
                                                  "fiber"};
  return names[static_cast<std::size_t>(which)];
}

}  // namespace stage
