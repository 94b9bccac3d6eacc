#pragma once

#include <thread>
#include <utility>

#include "braid/core/sender.hpp"

namespace braid_tests {

/// A sender that finishes on another thread, as no sender of braid does: its waiter must deliver it home.
struct ends_elsewhere {
  using sender_concept = braid::sender_tag;
  using value_type = int;
  int value;

  template <class R>
  struct state : braid::pinned {
    state(int v, R to) : value(v), receiver(std::move(to)) {}
    ~state() {
      if (elsewhere.joinable()) elsewhere.join();
    }
    void start() noexcept {
      elsewhere = std::thread([this] {
        R to = std::move(receiver);
        std::move(to).finish(value);
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
