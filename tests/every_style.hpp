#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "braid/base/sanitizer.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/future.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"

/// The five styles as a typed list: what holds for an operation is written once and runs through each of
/// them.
///
///   TEMPLATE_LIST_TEST_CASE("nop: completes", "[nop]", every_style) { CHECK(TestType::wait(nop())); }
///
/// Each wait(op) begins op by its style's verb and turns the loop until op has ended; a style that throws is
/// caught, so that all give a result. The thread's loop is used, or one is made for the call.
namespace braid_tests {

template <class S>
using ended_of = braid::result<braid::value_of<braid::sender_of<S>>>;

/// f(loop) on this thread's loop, made for the call where there is none.
template <class F>
decltype(auto) on_a_loop(F&& f) {
  if (braid::loop* here = braid::loop::current_or_null()) return f(*here);
  braid::loop made;
  return f(made);
}

struct blocking_style {
  static constexpr const char* name = "blocking";
  template <braid::sender_or_factory S>
  static ended_of<S> wait(S&& op) {
    return braid::capture(
        [&]() -> braid::value_of<braid::sender_of<S>> { return braid::run(std::forward<S>(op)); });
  }
};

struct callback_style {
  static constexpr const char* name = "callback";
  template <braid::sender_or_factory S>
  static ended_of<S> wait(S&& op) {
    return on_a_loop([&](braid::loop& here) {
      braid::promise<void> told;
      auto end = told.get_future();
      std::optional<ended_of<S>> kept;
      braid::start(std::forward<S>(op), [&](ended_of<S> ended) {
        kept.emplace(std::move(ended));
        told.set_value();
      });
      here.run(std::move(end));
      return *std::move(kept);
    });
  }
};

struct future_style {
  static constexpr const char* name = "future";
  template <braid::sender_or_factory S>
  static ended_of<S> wait(S&& op) {
    return on_a_loop([&](braid::loop& here) {
      auto future = braid::spawn(std::forward<S>(op));
      return here.run(braid::as_result(std::move(future)));
    });
  }
};

struct coroutine_style {
  static constexpr const char* name = "coroutine";
  template <braid::sender_or_factory S>
  static ended_of<S> wait(S&& op) {
    return on_a_loop(
        [&](braid::loop& here) { return here.run(awaiting(braid::as_sender(std::forward<S>(op)))); });
  }

 private:
  template <braid::sender S>
  static braid::task<ended_of<S>> awaiting(S op) {
    try {
      if constexpr (std::is_void_v<braid::value_of<S>>) {
        co_await std::move(op);
        co_return ended_of<S>();
      } else {
        co_return ended_of<S>(co_await std::move(op));
      }
    } catch (...) {
      co_return ended_of<S>(braid::error::current());
    }
  }
};

struct fiber_style {
  static constexpr const char* name = "fiber";
  template <braid::sender_or_factory S>
  static ended_of<S> wait(S&& op) {
    return on_a_loop([&](braid::loop& here) {
      return here.run(braid::in_fiber([&] {
        return braid::capture(
            [&]() -> braid::value_of<braid::sender_of<S>> { return braid::await(std::forward<S>(op)); });
      }));
    });
  }
};

using every_style = std::tuple<blocking_style, callback_style, future_style, coroutine_style, fiber_style>;

/// The styles that share a loop with other work: all but the one that stops everything.
using every_concurrent_style = std::tuple<callback_style, future_style, coroutine_style, fiber_style>;

/// Can the style be tested in a forked child? There ThreadSanitizer does not see a fiber's switches, and
/// reports races that are none; nor does it know the threads that carry out what files do on epoll.
template <class Style>
bool works_in_child() {
  return BRAID_TSAN == 0 || (!std::is_same_v<Style, fiber_style> &&
                             std::string_view(braid::loop().reactor_name()) == "io_uring");
}

}  // namespace braid_tests
