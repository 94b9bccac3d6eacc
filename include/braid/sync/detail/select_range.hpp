#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "braid/base/detail/pinned_array.hpp"
#include "braid/core/any_result.hpp"
#include "braid/sync/detail/select_child.hpp"

namespace braid::detail {

template <class T>
future_end<T> end_of(future<T>& of) {
  return {&of};
}
template <class X>
concept lvalue_future = requires(X&& x) { detail::end_of(x); } && std::is_lvalue_reference_v<X> &&
                        !std::is_const_v<std::remove_reference_t<X>>;
template <class X>
concept any_future = requires(std::remove_cvref_t<X>& x) { detail::end_of(x); };

// A single operation, as an argument of select or as an element of a range.
template <class X>
concept single_operation = lvalue_future<X> || is_selectable<std::remove_cvref_t<X>>;
template <single_operation X>
auto as_branch(X&& x) {
  if constexpr (lvalue_future<X>)
    return detail::end_of(x);
  else
    return std::remove_cvref_t<X>(std::forward<X>(x));
}

// Like the joins, select moves the elements out of the range; futures stay where they are.
template <class Element>
auto as_element(Element&& each) {
  if constexpr (lvalue_future<Element>)
    return detail::end_of(each);
  else
    return as_branch(std::move(each));
}
template <class Range>
using reference_in = std::ranges::range_reference_t<Range>;
template <class X>
concept operation_range =
    (std::ranges::forward_range<X> || std::ranges::sized_range<X>) &&
    (std::is_lvalue_reference_v<X> || std::move_constructible<X>) &&
    (lvalue_future<reference_in<X>> || is_selectable<std::remove_cvref_t<reference_in<X>>>);

// A range as an argument of select; an lvalue is referred to. It is walked when the operation is connected.
template <class Range>
struct select_range {
  Range range;
};
template <operation_range X>
  requires(!single_operation<X>)
auto as_branch(X&& x) {
  return select_range<X>{std::forward<X>(x)};
}

template <class X>
concept select_argument = single_operation<X> || operation_range<X>;
template <select_argument X>
using branch_of = decltype(as_branch(std::declval<X>()));

// The operations of a range. Their numbers are consecutive.
template <class Range>
class select_child<select_range<Range>> final {
  using child = select_child<decltype(as_element(std::declval<reference_in<Range>>()))>;

 public:
  using value_type = any_result<regular<typename child::value_type>>;

  select_child(select_base& owner, select_range<Range>&& of)
      : owner_(owner), children_(children_of(owner, of.range)) {}

  [[nodiscard]] bool enabled() noexcept {
    return std::ranges::any_of(children_, [](const child& each) { return each.enabled(); });
  }
  [[nodiscard]] std::size_t try_between(std::size_t from, std::size_t to) {
    const std::size_t end = first() + children_.size();
    for (std::size_t number = std::max(from, first()); number < std::min(to, end); ++number)
      if (children_[number - first()].try_now()) return number;
    return select_base::none;
  }
  template <class Covered>
  void begin(Covered covered) noexcept {
    for (std::size_t i = 0; i != children_.size() && !owner_.has_decided(); ++i)
      children_[i].begin([&](const auto& one) { return covered(one) || covers(one, i); });
  }
  [[nodiscard]] bool covers(const auto& other) noexcept { return covers(other, children_.size()); }
  void leave_queue() noexcept {
    for (child& each : children_) each.leave_queue();
  }
  void report_withdrawal() noexcept {
    for (child& each : children_) each.report_withdrawal();
  }
  [[nodiscard]] bool contains(std::size_t number) noexcept {
    return first() <= number && number < first() + children_.size();
  }
  [[nodiscard]] result<value_type> take_numbered(std::size_t number) noexcept {
    const std::size_t index = number - first();
    auto value = children_[index].take();
    if (!value) return std::move(value).error();
    return capture([&] {
      if constexpr (std::is_void_v<typename child::value_type>)
        return value_type{index, {}};
      else
        return value_type{index, *std::move(value)};
    });
  }

 private:
  static pinned_array<child> children_of(select_base& owner, Range& range) {
    auto next = std::ranges::begin(range);
    return pinned_array<child>(static_cast<std::size_t>(std::ranges::distance(range)),
                               [&](std::size_t index) {
                                 if (index != 0) ++next;
                                 return child(owner, as_element(*next));
                               });
  }
  [[nodiscard]] std::size_t first() noexcept { return children_.size() == 0 ? 0 : children_[0].number(); }
  // Does one of the first `count` operations cover it?
  [[nodiscard]] bool covers(const auto& other, std::size_t count) noexcept {
    if constexpr (child::may_repeat)
      return std::any_of(children_.begin(), children_.begin() + count,
                         [&](const child& each) { return each.covers(other); });
    return false;
  }

  select_base& owner_;
  pinned_array<child> children_;
};

}  // namespace braid::detail
