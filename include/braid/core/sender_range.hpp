#pragma once

#include <ranges>

#include "braid/core/awaitable.hpp"

namespace braid {

/// A range whose elements are senders, awaitables, or functions that return one.
///
///     std::vector<task<std::string>> pages;
///     for (const char* name : {"one", "two"}) pages.push_back(fetch(name));
///     static_assert(sender_range<decltype(pages)>);
///     const std::vector<std::string> texts = co_await when_all(std::move(pages));
template <class Range>
concept sender_range =
    std::ranges::input_range<Range> && sender_or_factory<std::ranges::range_value_t<Range>>;

}  // namespace braid
