#pragma once

#include "braid/loop/io_sender.hpp"

namespace braid {

namespace detail {
struct nop_outcome {
  using value_type = void;
  static constexpr io_hooks hooks{.is_nop = true};
  static constexpr const char* name() noexcept { return "nop"; }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
};
}  // namespace detail

/// A request that does nothing but go through the reactor and back. For measuring the cost of waiting.
///
///     for (int n = 0; n < 1000; ++n) co_await nop();
[[nodiscard]] inline auto nop() noexcept { return io_sender<detail::nop_outcome>{{}, {}}; }

}  // namespace braid
