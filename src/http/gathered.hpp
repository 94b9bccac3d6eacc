#pragma once

#include <cstddef>

namespace braid::http::detail {

inline constexpr std::size_t most_gathered = 16 << 10;  // bytes of a body beside its head, in one write

}  // namespace braid::http::detail
