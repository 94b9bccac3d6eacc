#pragma once

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/style/async_range.hpp"
#include "braid/style/detail/async_stage.hpp"
#include "braid/style/detail/view.hpp"
#include "braid/style/detail/view_steps.hpp"

namespace braid {

namespace detail {

template <class State, class F, class Element>
struct scan_step {
  using value_type = State;
  State state;
  F f;

  void take(Element&& element, std::optional<State>& to)
    requires(!gives_sender<F, const State&, Element>)
  {
    state = std::invoke(f, std::as_const(state), std::move(element));
    to.emplace(std::as_const(state));
  }
  auto call(Element& element)
    requires gives_sender<F, const State&, Element>
  {
    return std::invoke(f, std::as_const(state), std::move(element));
  }
  template <class Value>
  void take(Value&& value, Element&, std::optional<State>& to) {
    state = std::forward<Value>(value);
    to.emplace(std::as_const(state));
  }
};

}  // namespace detail

/// A view that folds the elements and yields each intermediate result: f(first, element), then f(that, next
/// element), and so on. It yields as many results as there are elements; `first` itself is not one of them.
/// If f returns a sender, it is awaited.
///
///     async_generator<int> numbers() {
///       for (int n = 1; n <= 3; ++n) co_yield n;
///     }
///     auto totals = numbers() | scan(0, [](int sum, int number) { return sum + number; });
///     while (const auto total = co_await totals.next()) use(*total);  // 1, 3, 6
///
/// Lifetime  as transform's. The results are copies of the view's own.
/// Errors    as transform's: an error ends the view.
/// Cancel    as transform's.
/// Cost      as transform's; a copy of the result per element.
template <async_range Range, class State, class F>
  requires std::invocable<std::decay_t<F>&, const State&, async_range_value_t<Range>>
[[nodiscard]] auto scan(Range&& range, State first, F&& f) {
  using step = detail::scan_step<State, std::decay_t<F>, async_range_value_t<Range>>;
  return detail::view<Range, step>(std::forward<Range>(range), step{std::move(first), std::forward<F>(f)});
}
/// scan, to be written behind a |.
template <class State, class F>
[[nodiscard]] auto scan(State first, F&& f) {
  return detail::async_stage{[first = std::move(first),
                              f = std::decay_t<F>(std::forward<F>(f))]<class Range>(Range&& range) mutable {
    return scan(std::forward<Range>(range), std::move(first), std::move(f));
  }};
}

}  // namespace braid
