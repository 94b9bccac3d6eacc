#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"
#include "braid/style/async_range.hpp"

// The sources of elements of a concurrent walk, and how an element is kept while its operation runs.

namespace braid::detail {

/// An element that the walk owns. fn gets it as an rvalue, or as an lvalue if it takes nothing else.
template <class T>
class owned_element {
 public:
  template <class F>
  using argument = std::conditional_t<std::invocable<F&, T>, T&&, T&>;

  template <class... From>
  void keep(From&&... from) {
    value_.emplace(std::forward<From>(from)...);
  }
  template <class F>
  decltype(auto) give_to(F& f) {
    return std::invoke(f, static_cast<argument<F>>(*value_));
  }
  void drop() noexcept { value_.reset(); }

 private:
  std::optional<T> value_;
};

/// An element that stays in its container, which the caller owns, or which was moved into the walk.
template <class T, bool Owned>
class placed_element {
 public:
  template <class F>
  using argument = std::conditional_t<Owned && std::invocable<F&, T>, T&&, T&>;

  void keep(T& where) noexcept { at_ = std::addressof(where); }
  template <class F>
  decltype(auto) give_to(F& f) {
    return std::invoke(f, static_cast<argument<F>>(*at_));
  }
  void drop() noexcept {}

 private:
  T* at_ = nullptr;
};

template <class View>
inline constexpr bool owns_its_elements = false;
// std::views::all puts a container that is moved in into an owning_view, and also a view of another library,
// which owns nothing. A const container has const elements, but a const view still has mutable ones.
template <class Container>
  requires std::ranges::range<const Container>
inline constexpr bool owns_its_elements<std::ranges::owning_view<Container>> =
    std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<const Container>>>;

template <class View>
struct element_of;
template <std::ranges::input_range View>
struct element_of<View> {
  using reference = std::ranges::range_reference_t<View>;
  // Only in a range that can be walked twice do elements stay valid when the iterator moves on.
  static constexpr bool stays = std::ranges::forward_range<View> && std::is_lvalue_reference_v<reference>;
  using type =
      std::conditional_t<stays, placed_element<std::remove_reference_t<reference>, owns_its_elements<View>>,
                         owned_element<std::ranges::range_value_t<View>>>;
};
template <async_range Range>
  requires(!std::ranges::input_range<Range>)
struct element_of<Range> {
  using type = owned_element<async_range_value_t<Range>>;
};

/// The elements of a range. The iterator moves on only when the next element is needed.
///
/// Walk has room() for one more element, begin_in(room), source_ended() and source_failed(error).
template <class Walk, class View>
class range_source {
 public:
  explicit range_source(View&& range) : range_(std::move(range)) {}

  void pull(Walk& walk) noexcept {
    typename Walk::slot* room;
    try {
      if (at_)
        ++*at_;
      else
        at_.emplace(std::ranges::begin(range_));
      if (*at_ == std::ranges::end(range_)) return walk.source_ended();
      room = &walk.room();
      using reference = std::ranges::range_reference_t<View>;
      if constexpr (element_of<View>::stays ||
                    std::constructible_from<std::ranges::range_value_t<View>, reference>)
        room->element().keep(**at_);
      else
        room->element().keep(std::ranges::iter_move(*at_));
    } catch (...) {
      return walk.source_failed(error::current());
    }
    walk.begin_in(*room);
  }

 private:
  View range_;
  std::optional<std::ranges::iterator_t<View>> at_;
};

/// The elements of an async_range: one next() at a time.
template <class Walk, class Range>
class async_source : public finishes_at_home_with<async_source<Walk, Range>,
                                                  value_of<next_of<std::unwrap_reference_t<Range>>>> {
  using value_type = value_of<next_of<std::unwrap_reference_t<Range>>>;

 public:
  explicit async_source(Range&& range) : range_(std::move(range)) {}

  void pull(Walk& walk) noexcept {
    walk_ = &walk;
    walk.source_waits();
    try {
      next_.emplace(elided{[this] { return connect(range().next(), receiver{this}); }});
    } catch (...) {
      return on_finish(error::current());
    }
    next_->start();
  }

  // For the operation.
  [[nodiscard]] stop_token child_stop_token() const noexcept { return walk_->child_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return walk_->frame(); }
  [[nodiscard]] loop* home() const noexcept { return walk_->home(); }
  void on_finish(result<value_type>&& element) noexcept {
    next_.reset();
    take(std::move(element));
    walk_->on_source_ready();
  }

 private:
  using receiver = inner_receiver<async_source, value_type>;

  std::unwrap_reference_t<Range>& range() noexcept { return range_; }

  void take(result<value_type>&& element) noexcept {
    if (!element) return walk_->source_failed(std::move(element).error());
    if (!*element) return walk_->source_ended();
    if (walk_->stopping()) return;  // the element is dropped
    typename Walk::slot* room;
    try {
      room = &walk_->room();
      room->element().keep(**std::move(element));
    } catch (...) {
      return walk_->source_failed(error::current());
    }
    walk_->begin_in(*room);
  }

  Range range_;
  Walk* walk_ = nullptr;
  std::optional<connected<next_of<std::unwrap_reference_t<Range>>, receiver>> next_;
};

/// Makes the object that a walk stores for its range: a view, which owns a container that was moved in; an
/// async_range itself, or a reference to it if it is an lvalue.
template <class Range>
auto hold_range(Range&& range) {
  if constexpr (std::ranges::input_range<Range>)
    return std::views::all(std::forward<Range>(range));
  else if constexpr (std::is_lvalue_reference_v<Range>)
    return std::ref(range);
  else
    return std::move(range);
}
template <class Range>
using held_range = decltype(hold_range(std::declval<Range>()));

template <class Walk, class Held>
using source_of =
    std::conditional_t<std::ranges::input_range<Held>, range_source<Walk, Held>, async_source<Walk, Held>>;

}  // namespace braid::detail
