#pragma once

#include <ranges>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/merge_run.hpp"
#include "braid/combine/detail/running_ahead.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/style/async_range.hpp"

namespace braid {

/// A range whose elements are async ranges.
///
///     static_assert(range_of_async_ranges<std::vector<async_generator<int>>>);
template <class Ranges>
concept range_of_async_ranges =
    std::ranges::input_range<Ranges> && async_range<std::ranges::range_value_t<Ranges>>;

/// An async range that gives the elements of several ranges in the order in which they arrive. Each next()
/// asks every range whose last element was taken, so each range is at most one element ahead.
///
///     async_generator<job> jobs_of(std::string source) { co_yield job{std::stoi(co_await fetch(source))}; }
///     auto jobs = merge(jobs_of("one"), jobs_of("two"));
///     while (const auto next = co_await jobs.next()) work_on(*next);
///
/// Lifetime  rvalues are moved in; lvalues must live until the operations in flight have ended.
/// Errors    when a range fails, the elements that arrived before are given first; the other ranges are
///           stopped and waited for.
template <async_range... Ranges>
  requires(sizeof...(Ranges) > 0)
[[nodiscard]] auto merge(Ranges&&... ranges) {
  using value = std::common_type_t<async_range_value_t<Ranges>...>;
  auto* const run = new detail::merge_run<value>;
  detail::running_ahead<value> merged(*run);
  (run->add(std::forward<Ranges>(ranges)), ...);
  return merged;
}

/// merge over a range of ranges, which are moved out of it. Without any range there are no elements.
template <range_of_async_ranges Ranges>
  requires(!async_range<Ranges>)
[[nodiscard]] auto merge(Ranges&& ranges) {
  using value = async_range_value_t<std::ranges::range_value_t<Ranges>>;
  auto* const run = new detail::merge_run<value>;
  detail::running_ahead<value> merged(*run);
  for (auto&& each : ranges) run->add(std::ranges::range_value_t<Ranges>(std::move(each)));
  return merged;
}
template <class... X>
  requires(!(async_range<X> && ...) && !(range_of_async_ranges<X> && ...))
detail::anything merge(X&&...) {
  static_assert(
      (async_range<X> && ...),
      "merge takes async_ranges, such as async_generator<T>, or one range of them: a type with a next() "
      "that gives a std::optional, empty at the end");
  return {};
}

}  // namespace braid
