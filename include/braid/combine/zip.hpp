#pragma once

#include <tuple>
#include <utility>

#include "braid/combine/detail/running_ahead.hpp"
#include "braid/combine/detail/zip_run.hpp"
#include "braid/style/async_range.hpp"

namespace braid {

namespace detail {

/// The range that zip returns.
template <class... Ranges>
class [[nodiscard]] zipped : public running_ahead<std::tuple<async_range_value_t<Ranges>...>> {
  using base = running_ahead<std::tuple<async_range_value_t<Ranges>...>>;

 public:
  explicit zipped(zip_run<Ranges...>& run) noexcept : base(run) {}

  /// The elements that were taken from their ranges and have no partners: after the end, after an error, or
  /// after a cancelled next(), instead of going on with them.
  [[nodiscard]] std::tuple<std::optional<async_range_value_t<Ranges>>...> take_unpaired() {
    return static_cast<zip_run<Ranges...>&>(this->run("take_unpaired: the range was moved from"))
        .take_unpaired();
  }
};

}  // namespace detail

/// An async range of tuples: the first elements of all ranges, then the second ones, and so on. Each next()
/// asks all ranges at once and ends when each has given its element.
///
///     channel<std::string> names(4);
///     channel<int> numbers(4);
///     auto pairs = zip(names.elements(), numbers.elements());
///     while (const auto pair = co_await pairs.next()) {
///       const auto& [name, number] = *pair;
///       log(name + ": " + std::to_string(number));
///     }
///     const auto [name, number] = pairs.take_unpaired();
///     if (name) log(*name + " has no number");
///
/// It ends with the range that ends first: the others are stopped and waited for. An element that another
/// range has given by then is not lost: take_unpaired() gives it. The ranges are asked in their order, and
/// none is asked after one that has ended within the call.
///
/// Lifetime  rvalues are moved in; lvalues must live until the operations in flight have ended.
/// Errors    an error of a range ends it; the others are stopped and waited for.
/// Cancel    a cancelled next() stops the ranges and waits for them. What they have given stays for the
///           following next(), which goes on where the ranges do.
/// Cost      one block of the frame pool; nothing per element.
template <async_range... Ranges>
  requires(sizeof...(Ranges) > 0)
[[nodiscard]] auto zip(Ranges&&... ranges) {
  return detail::zipped<Ranges...>(*new detail::zip_run<Ranges...>(std::forward<Ranges>(ranges)...));
}

}  // namespace braid
