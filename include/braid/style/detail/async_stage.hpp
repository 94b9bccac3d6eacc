#pragma once

#include <utility>

#include "braid/style/async_range.hpp"

namespace braid::detail {

// The right-hand side of a |: a function that is applied to the range on the left.
template <class Apply>
struct async_stage {
  Apply apply;

  template <async_range Range>
  friend auto operator|(Range&& range, async_stage stage) {
    return std::move(stage.apply)(std::forward<Range>(range));
  }
};
template <class Apply>
async_stage(Apply) -> async_stage<Apply>;

}  // namespace braid::detail
