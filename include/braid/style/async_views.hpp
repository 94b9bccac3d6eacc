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

// What a function called with an Argument gives: itself, or as a sender.
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

// Each stage is a coroutine. Range is an lvalue reference where the range stays its owner's.
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

// What stands behind a | : a function of the range before it.
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

// Views of an async_range. Each is an async_generator, to be called with the range or put behind a |:
//
//   auto first_three = fetch_pages() | filter(is_new) | transform(parse) | take(3);
//
// Lifetime  a range that is an rvalue becomes the view's own; an lvalue outlives the view, and goes on where
//           that has stopped. Functions are kept.
// Errors    the range's and the functions' pass at once, and end the view.
// Cancel    the token of who waits flows up through all views to the range. A view that ends as cancelled
//           fails so at every later next(), as its generator does.
// Cost      a coroutine frame for each view, nothing for each element.

/// f(element) for each element, moved; f may return a sender, which is awaited, one at a time.
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

/// The elements that keep(element) is true for; keep may return a sender of bool.
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

/// The first count elements: no more than that are asked for.
template <async_range Range>
[[nodiscard]] auto take(Range&& range, std::size_t count) {
  return detail::take_first<Range>(std::forward<Range>(range), count);
}
[[nodiscard]] inline auto take(std::size_t count) {
  return detail::async_stage{
      [count]<class Range>(Range&& range) { return take(std::forward<Range>(range), count); }};
}

/// Vectors of size elements, of fewer at the end.
/// Errors  those of the range drop the chunk that was begun. Throws std::invalid_argument when size is 0.
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
