#pragma once

#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/flat_map_run.hpp"
#include "braid/combine/detail/running_ahead.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/detail/async_stage.hpp"

namespace braid {

/// A function that makes an async range of each element of an async range.
///
///     static_assert(makes_async_range<async_generator<job> (*)(std::string), async_generator<std::string>>);
template <class F, class Range>
concept makes_async_range = async_range<Range> && std::invocable<F&, async_range_value_t<Range>> &&
                            std::is_object_v<std::invoke_result_t<F&, async_range_value_t<Range>>> &&
                            async_range<std::invoke_result_t<F&, async_range_value_t<Range>>>;

/// An async range that makes an inner range of each element of another one, f(element), and gives the
/// elements of up to `limit` inner ranges in the order in which they arrive. With limit 1 the inner ranges
/// follow one another.
///
///     async_generator<job> jobs_of(std::string source) { co_yield job{std::stoi(co_await fetch(source))}; }
///     channel<std::string> sources(4);
///     auto jobs = sources.elements() | flat_map(jobs_of, 4);
///     while (const auto next = co_await jobs.next()) work_on(*next);
///
/// Each next() asks every inner range whose last element was taken, so each is at most one element ahead. The
/// outer range is asked only while there is room for one more inner range.
///
/// Lifetime  an rvalue range is moved in; an lvalue must live until the operations in flight have ended. An
///           element lives as long as the inner range that was made of it.
/// Errors    when a range or f fails, the elements that arrived before are given first; the other ranges are
///           stopped and waited for. std::invalid_argument when limit is 0.
/// Cancel    a cancelled next() stops all ranges and waits for them. What they have given stays for the
///           following next(), which goes on where the ranges do.
/// Cost      one block of the frame pool per inner range that runs at the same time, used again for later
///           ones; nothing per element, and nothing per inner range but its own.
template <async_range Range, class F>
  requires makes_async_range<std::decay_t<F>, Range>
[[nodiscard]] auto flat_map(Range&& range, F&& f, std::size_t limit = 16) {
  using run = detail::flat_map_run<std::decay_t<F>, Range>;
  if (limit == 0) throw std::invalid_argument("flat_map: the limit is 0");
  return detail::running_ahead<typename run::value_type>(
      *new run(std::forward<Range>(range), std::forward<F>(f), limit));
}
/// flat_map, to be written behind a |.
template <class F>
  requires(!async_range<F>)
[[nodiscard]] auto flat_map(F&& f, std::size_t limit = 16) {
  return detail::async_stage{
      [limit, f = std::decay_t<F>(std::forward<F>(f))]<class Range>(Range&& range) mutable {
        return flat_map(std::forward<Range>(range), std::move(f), limit);
      }};
}

}  // namespace braid
