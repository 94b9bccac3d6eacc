#pragma once

#include <optional>
#include <utility>

#include "braid/std/detail/execution.hpp"

namespace braid_tests {

/// A sender of std::execution that waits for a stop request, and completes within it: with 1 if it
/// `succeeds`, else with set_stopped(). It counts its operations.
struct until_stopped {
  using sender_concept = stdexec::sender_t;
  using completion_signatures =
      stdexec::completion_signatures<stdexec::set_value_t(int), stdexec::set_stopped_t()>;

  int* begun;
  bool succeeds = false;

  template <class R>
  struct operation {
    using operation_state_concept = stdexec::operation_state_t;
    struct on_stop {
      operation* self;
      void operator()() const noexcept {
        R to = std::move(self->receiver);
        if (self->succeeds)
          stdexec::set_value(std::move(to), 1);
        else
          stdexec::set_stopped(std::move(to));
      }
    };
    using token = stdexec::stop_token_of_t<stdexec::env_of_t<R>>;

    operation(int* count, bool ends_well, R to)
        : begun(count), succeeds(ends_well), receiver(std::move(to)) {}
    operation(operation&&) = delete;
    void start() & noexcept {
      ++*begun;
      registration.emplace(stdexec::get_stop_token(stdexec::get_env(receiver)), on_stop{this});
    }

    int* begun;
    bool succeeds;
    R receiver;
    std::optional<stdexec::stop_callback_for_t<token, on_stop>> registration;
  };
  template <class R>
  operation<R> connect(R to) const {
    return {begun, succeeds, std::move(to)};
  }
};

}  // namespace braid_tests
