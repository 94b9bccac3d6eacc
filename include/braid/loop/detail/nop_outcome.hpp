#pragma once

#include <cstdint>

#include "braid/base/result.hpp"
#include "braid/loop/io_outcome.hpp"
#include "braid/loop/request.hpp"

namespace braid::detail {

struct nop_outcome {
  using value_type = void;
  static constexpr io_hooks hooks{.is_nop = true};
  static constexpr const char* name() noexcept { return "nop"; }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
};

}  // namespace braid::detail
