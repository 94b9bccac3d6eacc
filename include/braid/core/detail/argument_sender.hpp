#pragma once

#include <cstddef>
#include <utility>

#include "braid/core/sender.hpp"

namespace braid::detail {

template <std::size_t, class T>
struct kept_argument {
  T value;
};

template <template <class...> class State, class T, class Indices, class... Arguments>
struct argument_sender_of;

/// A sender of T that only keeps the arguments of its operation: connect makes State(arguments…, receiver),
/// whose template arguments the compiler deduces.
template <template <class...> class State, class T, class... Arguments>
using argument_sender = argument_sender_of<State, T, std::index_sequence_for<Arguments...>, Arguments...>;

// Base classes in place of a std::tuple, because they compile faster.
template <template <class...> class State, class T, std::size_t... I, class... Arguments>
struct argument_sender_of<State, T, std::index_sequence<I...>, Arguments...>
    : kept_argument<I, Arguments>... {
  using sender_concept = sender_tag;
  using value_type = T;

  template <receiver_of<T> R>
  auto connect(R receiver) && {
    return State(std::move(kept_argument<I, Arguments>::value)..., std::move(receiver));
  }
};

}  // namespace braid::detail
