#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "braid/core/sender.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/async_range.hpp"

namespace braid {

namespace detail {

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

}  // namespace detail

// Views of an async_range. Each is an async_generator. Call it with the range, or write it behind a |:
//
//   auto first_three = fetch_pages() | filter(is_new) | transform(parse) | take(3);
//
// Lifetime  a view owns a range that was given as an rvalue. An lvalue must outlive the view, and continues
//           where the view stopped. The view stores its function.
// Errors    an error of the range or of a function goes to the waiter at once and ends the view.
// Cancel    the waiter's stop token passes through all views to the range. A view that has ended as
//           cancelled fails as cancelled at every later next().
// Cost      one coroutine frame per view; nothing per element.

/// Yields f(element) for each element, which is moved. If f returns a sender, it is awaited, one at a time.
template <async_range Range, class F>
  requires std::invocable<std::decay_t<F>&, async_range_value_t<Range>>
[[nodiscard]] auto transform(Range&& range, F&& f) {
  return detail::transform_each<Range, std::decay_t<F>>(std::forward<Range>(range), std::forward<F>(f));
}
template <class F>
[[nodiscard]] auto transform(F&& f) {
  return detail::async_stage{[f = std::decay_t<F>(std::forward<F>(f))]<class Range>(Range&& range) mutable {
    return transform(std::forward<Range>(range), std::move(f));
  }};
}

/// Yields the elements for which keep(element) is true; keep may return a sender of bool.
template <async_range Range, class F>
  requires std::invocable<std::decay_t<F>&, async_range_value_t<Range>&>
[[nodiscard]] auto filter(Range&& range, F&& keep) {
  return detail::filter_each<Range, std::decay_t<F>>(std::forward<Range>(range), std::forward<F>(keep));
}
template <class F>
[[nodiscard]] auto filter(F&& keep) {
  return detail::async_stage{
      [keep = std::decay_t<F>(std::forward<F>(keep))]<class Range>(Range&& range) mutable {
        return filter(std::forward<Range>(range), std::move(keep));
      }};
}

/// Yields the first count elements and awaits no further ones.
template <async_range Range>
[[nodiscard]] auto take(Range&& range, std::size_t count) {
  return detail::take_first<Range>(std::forward<Range>(range), count);
}
[[nodiscard]] inline auto take(std::size_t count) {
  return detail::async_stage{
      [count]<class Range>(Range&& range) { return take(std::forward<Range>(range), count); }};
}

/// Yields vectors of size elements; the last one may have fewer.
/// Errors  an error of the range drops the unfinished chunk. Throws std::invalid_argument if size is 0.
template <async_range Range>
[[nodiscard]] auto chunk(Range&& range, std::size_t size) {
  if (size == 0) throw std::invalid_argument("chunk: the size is 0");
  return detail::chunk_by<Range>(std::forward<Range>(range), size);
}
[[nodiscard]] inline auto chunk(std::size_t size) {
  return detail::async_stage{
      [size]<class Range>(Range&& range) { return chunk(std::forward<Range>(range), size); }};
}

}  // namespace braid
