#pragma once

#include "braid/loop/io_sender.hpp"

namespace braid {

namespace detail {
struct nop_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return "nop"; }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
};
// Copied as a whole: written field by field and then copied, its reader would wait for the writes (4 ns).
inline constexpr request nop_request{};
}  // namespace detail

/// A request that does nothing: once through the reactor and back. For measuring what waiting costs.
[[nodiscard]] inline auto nop() noexcept { return io_sender<detail::nop_outcome>{detail::nop_request, {}}; }

}  // namespace braid
