#pragma once

#include <cstdlib>
#include <optional>
#include <utility>

#include "braid/core/sender.hpp"

namespace braid_tests {

/// Records an operation's result, and how often it finished. Gives the operation a stop token and a frame.
///
/// Lifetime  outlives the operations whose receivers it gave.
template <class T>
struct recorder {
  std::optional<braid::result<T>> ended;
  int times = 0;
  braid::stop_token token;
  braid::async_frame* waiting = nullptr;

  struct receiver {
    recorder* self;
    void finish(braid::result<T> with) && noexcept {
      ++self->times;
      self->ended.emplace(std::move(with));
    }
    [[nodiscard]] braid::stop_token get_stop_token() const noexcept { return self->token; }
    [[nodiscard]] braid::async_frame* frame() const noexcept { return self->waiting; }
  };
  [[nodiscard]] receiver get_receiver() noexcept { return {this}; }
};

/// An operation with its own recorder.
template <class S>
struct recorded {
  explicit recorded(S&& op, braid::stop_token token = {})
      : state((heard.token = token, braid::connect(std::move(op), heard.get_receiver()))) {}
  recorded& start() noexcept {
    state.start();
    return *this;
  }
  [[nodiscard]] bool done() const noexcept { return heard.times != 0; }
  /// Requires done().
  [[nodiscard]] braid::result<braid::value_of<S>>& result() { return heard.ended.value(); }

  recorder<braid::value_of<S>> heard;
  braid::connected<S, typename recorder<braid::value_of<S>>::receiver> state;
};
template <class S>
recorded(S&&) -> recorded<S>;
template <class S>
recorded(S&&, braid::stop_token) -> recorded<S>;

}  // namespace braid_tests
