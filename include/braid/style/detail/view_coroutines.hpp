#pragma once

#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "braid/core/sender.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/async_range.hpp"

namespace braid::detail {

// The value that a function gives for an Argument: its result, or the value of the sender that it returns.
template <class Result>
struct given {
  using type = Result;
};
template <sender Result>
struct given<Result> {
  using type = value_of<Result>;
};
template <class F, class Argument>
using given_by = std::remove_cvref_t<typename given<std::invoke_result_t<F&, Argument>>::type>;

// Each view is a coroutine. Range is an lvalue reference if the view does not own the range.
template <class Range, class F>
async_generator<given_by<F, async_range_value_t<Range>>> transform_each(Range range, F f) {
  while (auto each = co_await range.next()) {
    if constexpr (sender<std::invoke_result_t<F&, async_range_value_t<Range>>>) {
      auto op = std::invoke(f, *std::move(each));
      co_yield co_await std::move(op);
    } else {
      co_yield std::invoke(f, *std::move(each));
    }
  }
}

template <class Range, class F>
async_generator<async_range_value_t<Range>> filter_each(Range range, F keep) {
  while (auto each = co_await range.next()) {
    bool kept = false;
    if constexpr (sender<std::invoke_result_t<F&, async_range_value_t<Range>&>>) {
      auto op = std::invoke(keep, *each);
      kept = co_await std::move(op);
    } else {
      kept = std::invoke(keep, *each);
    }
    if (kept) co_yield *std::move(each);
  }
}

template <class Range>
async_generator<async_range_value_t<Range>> take_first(Range range, std::size_t count) {
  for (; count > 0; --count) {
    auto each = co_await range.next();
    if (!each) co_return;
    co_yield *std::move(each);
  }
}

template <class Range>
async_generator<std::vector<async_range_value_t<Range>>> chunk_by(Range range, std::size_t size) {
  std::vector<async_range_value_t<Range>> chunk;
  while (auto each = co_await range.next()) {
    chunk.push_back(*std::move(each));
    if (chunk.size() < size) continue;
    co_yield std::move(chunk);
    chunk.clear();
  }
  if (!chunk.empty()) co_yield std::move(chunk);
}

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
