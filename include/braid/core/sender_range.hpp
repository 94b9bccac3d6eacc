#pragma once

#include <ranges>

#include "braid/core/awaitable.hpp"

namespace braid {

/// A range whose elements are senders, awaitables, or functions that return one.
template <class Range>
concept sender_range =
    std::ranges::input_range<Range> && sender_or_factory<std::ranges::range_value_t<Range>>;

}  // namespace braid
