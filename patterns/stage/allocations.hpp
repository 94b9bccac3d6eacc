#pragma once

#include <cstdint>
#include <optional>

namespace stage {

/// How often this thread has called operator new; empty under a sanitizer, which has its own.
[[nodiscard]] std::optional<std::uint64_t> allocations() noexcept;

}  // namespace stage
