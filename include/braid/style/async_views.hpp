#pragma once

#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/style/async_generator.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/detail/async_stage.hpp"
#include "braid/style/detail/view.hpp"
#include "braid/style/detail/view_steps.hpp"

namespace braid {

/// A view of an async_range, as filter, take and chunk are. Yields f(element) for each element, which is
/// moved. If f returns a sender, it is awaited, one at a time; before a buffered(n), n at a time.
///
///     async_generator<std::string> names() {
///       for (const char* name : {"one", "two", "three", "four"}) co_yield name;
///     }
///     auto is_long = [](const std::string& text) { return text.size() > 100; };
///     auto pages = names() | transform(fetch) | filter(is_long) | take(2);  // or take(filter(…), 2)
///     while (const auto page = co_await pages.next()) log(*page);
///
/// Lifetime  a view owns a range that was given as an rvalue. An lvalue must outlive the view, and continues
///           where the view stopped. The view stores its function.
/// Errors    an error of the range or of a function goes to the waiter at once and ends the view.
/// Cancel    the waiter's stop token passes through all views to the range. A view holds no element back: a
///           later next() goes on where the range does, as a channel does and a generator does not. If a
///           function's sender was stopped, its element is used up, and every later next() fails as
///           cancelled.
/// Cost      one block of the frame pool per view; nothing per element.
template <async_range Range, class F>
  requires std::invocable<std::decay_t<F>&, async_range_value_t<Range>>
[[nodiscard]] auto transform(Range&& range, F&& f) {
  using step = detail::transform_step<std::decay_t<F>, async_range_value_t<Range>>;
  return detail::view<Range, step>(std::forward<Range>(range), step{std::forward<F>(f)});
}
/// transform, to be written behind a |.
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
  using step = detail::filter_step<std::decay_t<F>, async_range_value_t<Range>>;
  return detail::view<Range, step>(std::forward<Range>(range), step{std::forward<F>(keep)});
}
/// filter, to be written behind a |.
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
  using step = detail::take_step<async_range_value_t<Range>>;
  return detail::view<Range, step>(std::forward<Range>(range), step{count});
}
/// take, to be written behind a |.
[[nodiscard]] inline auto take(std::size_t count) {
  return detail::async_stage{
      [count]<class Range>(Range&& range) { return take(std::forward<Range>(range), count); }};
}

/// Yields vectors of size elements; the last one may have fewer.
///
///     auto pairs = chunk(names(), 2);
///     while (const auto pair = co_await pairs.next()) use(pair->size());
///
/// Errors  an error of the range drops the unfinished chunk. Throws std::invalid_argument if size is 0.
/// Cancel  a cancelled next() keeps the unfinished chunk for the following one.
/// Cost    one allocation per chunk.
template <async_range Range>
[[nodiscard]] auto chunk(Range&& range, std::size_t size) {
  if (size == 0) throw std::invalid_argument("chunk: the size is 0");
  using step = detail::chunk_step<async_range_value_t<Range>>;
  return detail::view<Range, step>(std::forward<Range>(range), step{size});
}
/// chunk, to be written behind a |.
[[nodiscard]] inline auto chunk(std::size_t size) {
  return detail::async_stage{
      [size]<class Range>(Range&& range) { return chunk(std::forward<Range>(range), size); }};
}

}  // namespace braid
