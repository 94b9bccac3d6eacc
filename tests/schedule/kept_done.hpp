#pragma once

#include <memory>
#include <utility>

#include "braid/schedule/from_callback.hpp"

namespace braid_tests {

/// Keeps an operation's `done` for later.
template <class T>
struct kept_done {
  std::unique_ptr<braid::callback_done<T>> done;
  auto taker() {
    return [this](braid::callback_done<T> given) {
      done = std::make_unique<braid::callback_done<T>>(std::move(given));
    };
  }
};

}  // namespace braid_tests
