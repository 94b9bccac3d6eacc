#pragma once

#include <tuple>
#include <utility>

#include "braid/core/sender.hpp"

namespace braid::detail {

/// A sender of T that only keeps the arguments of its operation: connect makes State(arguments…, receiver),
/// whose template arguments the compiler deduces.
template <template <class...> class State, class T, class... Arguments>
struct argument_sender {
  using sender_concept = sender_tag;
  using value_type = T;
  std::tuple<Arguments...> arguments;

  template <receiver_of<T> R>
  auto connect(R receiver) && {
    return std::apply([&](Arguments&... each) { return State(std::move(each)..., std::move(receiver)); },
                      arguments);
  }
};

}  // namespace braid::detail
