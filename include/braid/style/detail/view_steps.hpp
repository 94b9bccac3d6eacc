#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "braid/core/sender.hpp"

namespace braid::detail {

// The value that a function gives for Arguments: its result, or the value of the sender that it returns.
template <class Result>
struct given {
  using type = Result;
};
template <sender Result>
struct given<Result> {
  using type = value_of<Result>;
};
template <class F, class... Arguments>
using given_by = std::remove_cvref_t<typename given<std::invoke_result_t<F&, Arguments...>>::type>;
template <class F, class... Arguments>
inline constexpr bool gives_sender = sender<std::invoke_result_t<F&, Arguments...>>;

template <class F, class Element>
struct transform_step {
  using value_type = given_by<F, Element>;
  F f;

  void take(Element&& element, std::optional<value_type>& to)
    requires(!gives_sender<F, Element>)
  {
    to.emplace(std::invoke(f, std::move(element)));
  }
  auto call(Element& element)
    requires gives_sender<F, Element>
  {
    return std::invoke(f, std::move(element));
  }
  template <class Value>
  static void take(Value&& value, Element&, std::optional<value_type>& to) {
    to.emplace(std::forward<Value>(value));
  }
};

template <class F, class Element>
struct filter_step {
  using value_type = Element;
  F keep;

  void take(Element&& element, std::optional<Element>& to)
    requires(!gives_sender<F, Element&>)
  {
    if (std::invoke(keep, element)) to.emplace(std::move(element));
  }
  auto call(Element& element)
    requires gives_sender<F, Element&>
  {
    return std::invoke(keep, element);
  }
  static void take(bool kept, Element& element, std::optional<Element>& to) {
    if (kept) to.emplace(std::move(element));
  }
};

template <class Element>
struct take_step {
  using value_type = Element;
  std::size_t left;

  [[nodiscard]] bool wants_more() const noexcept { return left > 0; }
  void take(Element&& element, std::optional<Element>& to) {
    to.emplace(std::move(element));
    --left;
  }
};

template <class Element>
struct chunk_step {
  using value_type = std::vector<Element>;
  std::size_t size;
  std::size_t last = 0;  // the size of the last chunk: the next one needs one allocation
  value_type chunk = {};

  void take(Element&& element, std::optional<value_type>& to) {
    if (chunk.empty()) chunk.reserve(last);
    chunk.push_back(std::move(element));
    if (chunk.size() == size) give(to);
  }
  void flush(std::optional<value_type>& to) {
    if (!chunk.empty()) give(to);
  }
  void give(std::optional<value_type>& to) {
    last = chunk.size();
    to.emplace(std::exchange(chunk, {}));
  }
};

}  // namespace braid::detail
