#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/style/async_range.hpp"
#include "braid/style/detail/async_stage.hpp"
#include "braid/style/detail/distinct_steps.hpp"
#include "braid/style/detail/view.hpp"

namespace braid {

/// A view without repetitions: leaves out each element that equals the one before it. With a key, elements
/// are equal if key(element) is.
///
///     async_generator<std::string> names() {
///       for (const char* name : {"one", "one", "two", "one"}) co_yield name;
///     }
///     auto changes = names() | distinct();
///     while (const auto name = co_await changes.next()) log(*name);  // one, two, one
///
/// Errors  as transform's: an error ends the view.
/// Cancel  as transform's.
/// Cost    as transform's; a copy of the last key.
template <async_range Range, class Key = std::identity>
[[nodiscard]] auto distinct(Range&& range, Key key = {}) {
  using step = detail::distinct_step<Key, async_range_value_t<Range>>;
  return detail::view<Range, step>(std::forward<Range>(range), step{std::move(key)});
}
/// distinct, to be written behind a |.
template <class Key = std::identity>
  requires(!async_range<Key>)
[[nodiscard]] auto distinct(Key key = {}) {
  return detail::async_stage{[key = std::move(key)]<class Range>(Range&& range) mutable {
    return distinct(std::forward<Range>(range), std::move(key));
  }};
}

/// A view that leaves out each element that equals one of the last `most` different elements that it has
/// yielded. Its memory is bounded: an element that it has forgotten counts as new. Keys need a std::hash.
///
///     auto once = names() | distinct_within(1'000);
///     while (const auto name = co_await once.next()) log(*name);  // one, two
///
/// Errors  as transform's: an error ends the view. Throws std::invalid_argument if `most` is 0.
/// Cancel  as transform's.
/// Cost    as transform's; a copy of each key that it remembers, and no allocation once these are `most`.
template <async_range Range, class Key = std::identity>
[[nodiscard]] auto distinct_within(Range&& range, std::size_t most, Key key = {}) {
  using element = async_range_value_t<Range>;
  using step = detail::distinct_within_step<Key, element>;
  if (most == 0) throw std::invalid_argument("distinct_within: it would remember nothing");
  return detail::view<Range, step>(
      std::forward<Range>(range),
      step{std::move(key), detail::remembered_keys<detail::distinct_key<Key, element>>(most)});
}
/// distinct_within, to be written behind a |.
template <class Key = std::identity>
[[nodiscard]] auto distinct_within(std::size_t most, Key key = {}) {
  return detail::async_stage{[most, key = std::move(key)]<class Range>(Range&& range) mutable {
    return distinct_within(std::forward<Range>(range), most, std::move(key));
  }};
}

}  // namespace braid
