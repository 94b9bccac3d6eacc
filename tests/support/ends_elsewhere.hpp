#pragma once

#include <thread>
#include <utility>

#include "braid/core/sender.hpp"

namespace braid_tests {

/// A sender that ends on a thread of its own, as none of braid's does: whoever waits must bring its end home.
struct ends_elsewhere {
  using sender_concept = braid::sender_tag;
  using value_type = int;
  int value;

  template <class R>
  struct state : braid::pinned {
    state(int v, R told) : value(v), receiver(std::move(told)) {}
    ~state() {
      if (elsewhere.joinable()) elsewhere.join();
    }
    void start() noexcept {
      elsewhere = std::thread([this] {
        R told = std::move(receiver);
        std::move(told).finish(value);
      });
    }
    int value;
    R receiver;
    std::thread elsewhere;
  };
  template <braid::receiver_of<int> R>
  auto connect(R receiver) && {
    return state<R>(value, std::move(receiver));
  }
};

}  // namespace braid_tests
