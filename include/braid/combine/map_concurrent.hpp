#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "braid/combine/detail/concurrent.hpp"
#include "braid/combine/for_each_concurrent.hpp"

namespace braid {

namespace detail {

// Keeps results that arrive in any order, and gives them in the range's order.
template <class Kept>
class kept_in_order {
 public:
  using value_type = std::vector<Kept>;
  void begun(std::size_t index) {
    if (kept_.size() == index) kept_.emplace_back();
  }
  [[nodiscard]] value_type take() {
    value_type all;
    all.reserve(kept_.size());
    for (std::optional<Kept>& each : kept_) all.push_back(*std::move(each));
    return all;
  }

 protected:
  std::vector<std::optional<Kept>> kept_;
};

template <class T>
struct map_outcome : kept_in_order<regular<T>> {
  static constexpr const char* name = "map_concurrent";
  static constexpr bool settles = false;
  void keep(std::size_t index, result<T>&& with) { this->kept_[index].emplace(*std::move(with)); }
};
template <>
struct map_outcome<void> : nothing_kept {
  static constexpr const char* name = "map_concurrent";
};

template <class T>
struct map_settled_outcome : kept_in_order<result<T>> {
  static constexpr const char* name = "map_concurrent_settled";
  static constexpr bool settles = true;
  void keep(std::size_t index, result<T>&& with) noexcept { this->kept_[index].emplace(std::move(with)); }
};

}  // namespace detail

/// Runs fn(element) for each element of a range, at most `limit` of these operations at once: a vector of
/// their values in the range's order, or void if they have none. Otherwise as for_each_concurrent.
///
/// Cost  as for_each_concurrent, plus the vector, of which there are two at the end.
template <class Range, detail::operation_for<Range> F>
[[nodiscard]] auto map_concurrent(Range&& range, std::size_t limit, F&& fn) {
  return detail::walk_concurrently<detail::map_outcome>(std::forward<Range>(range), limit,
                                                        std::forward<F>(fn));
}

/// The same, but an error stops nothing: a vector of results in the range's order. Only a failure of the
/// range itself fails the whole, once the operations in flight have ended.
///
/// Cancel  stops all, waits for all; operation_canceled if the end of the range was not reached, otherwise
///         the results show what was cancelled.
template <class Range, detail::operation_for<Range> F>
[[nodiscard]] auto map_concurrent_settled(Range&& range, std::size_t limit, F&& fn) {
  return detail::walk_concurrently<detail::map_settled_outcome>(std::forward<Range>(range), limit,
                                                                std::forward<F>(fn));
}
template <class Range, class F>
  requires(!detail::operation_for<F, Range>)
detail::anything map_concurrent(Range&&, std::size_t, F&&) {
  return detail::walks_range<Range, F>();
}
template <class Range, class F>
  requires(!detail::operation_for<F, Range>)
detail::anything map_concurrent_settled(Range&&, std::size_t, F&&) {
  return detail::walks_range<Range, F>();
}

}  // namespace braid
