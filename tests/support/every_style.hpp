#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/sanitizer.hpp"
#include "braid/base/pinned.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/future.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"

/// The five styles as a typed list: a test of what every operation must do is written once and runs in each.
///
///    TEMPLATE_LIST_TEST_CASE("nop: completes", "[nop]", every_style) { CHECK(TestType::wait(nop())); }
///
/// Each wait(op) begins op by its style's verb and turns the loop until op has ended. It catches what a style
/// throws, so that every style returns a result. It uses the thread's loop, or makes one for the call.
namespace braid_tests {

template <class S>
using ended_of = braid::result<braid::value_of<braid::sender_of<S>>>;

/// Calls f(loop) with this thread's loop, or with one that it makes for the call.
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
      braid::promise<void> finished;
      auto end = finished.get_future();
      std::optional<ended_of<S>> kept;
      braid::start(std::forward<S>(op), [&](ended_of<S> ended) {
        kept.emplace(std::move(ended));
        finished.set_value();
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

/// A sender of which only the value type is known. Whatever waits for it, the original is connected only
/// once. It allocates nothing once the pools are warm.
template <class T>
class any_sender {
  struct waiter {
    virtual void finish(braid::result<T> ended) noexcept = 0;
    [[nodiscard]] virtual braid::stop_token get_stop_token() const noexcept = 0;
    [[nodiscard]] virtual braid::async_frame* frame() const noexcept = 0;

   protected:
    ~waiter() = default;
  };
  struct receiver {
    waiter* to;
    void finish(braid::result<T> ended) && noexcept { to->finish(std::move(ended)); }
    [[nodiscard]] braid::stop_token get_stop_token() const noexcept { return to->get_stop_token(); }
    [[nodiscard]] braid::async_frame* frame() const noexcept { return to->frame(); }
  };
  struct operation : braid::detail::pooled {
    virtual ~operation() = default;
    virtual void start() noexcept = 0;
  };
  struct model : braid::detail::pooled {
    virtual ~model() = default;
    [[nodiscard]] virtual std::unique_ptr<operation> connect(waiter& to) && = 0;
  };
  template <class S>
  struct operation_of final : operation {
    operation_of(S&& op, waiter& to) : state(braid::connect(std::move(op), receiver{&to})) {}
    void start() noexcept override { state.start(); }
    braid::connected<S, receiver> state;
  };
  template <class S>
  struct model_of final : model {
    explicit model_of(S&& from) : op(std::move(from)) {}
    std::unique_ptr<operation> connect(waiter& to) && override {
      return std::make_unique<operation_of<S>>(std::move(op), to);
    }
    S op;
  };
  template <class R>
  class state final : waiter, braid::pinned {
   public:
    state(model&& from, R to) : receiver_(std::move(to)), operation_(std::move(from).connect(*this)) {}
    void start() noexcept { operation_->start(); }

   private:
    void finish(braid::result<T> ended) noexcept override {
      R to = std::move(receiver_);
      std::move(to).finish(std::move(ended));
    }
    braid::stop_token get_stop_token() const noexcept override { return receiver_.get_stop_token(); }
    braid::async_frame* frame() const noexcept override { return receiver_.frame(); }
    R receiver_;
    std::unique_ptr<operation> operation_;
  };

 public:
  using sender_concept = braid::sender_tag;
  using value_type = T;
  template <class S>
  explicit any_sender(std::in_place_t, S op) : model_(std::make_unique<model_of<S>>(std::move(op))) {}
  template <braid::receiver_of<T> R>
  auto connect(R to) && {
    return state<R>(std::move(*model_), std::move(to));
  }

 private:
  std::unique_ptr<model> model_;
};

/// One of the five styles, chosen when the test runs:
///
///    TEST_CASE("when_all: an empty range", "[when_all]") {
///      IN_EVERY_STYLE(style);
///      CHECK(style.wait(when_all()));
///    }
///
/// It begins and awaits the operation as a program does, but through an any_sender: so a test of many
/// operations compiles in a third of the time of one with a typed list. style/, fs/every_style.cpp and
/// net/every_style.cpp test operations that are connected to each style directly.
struct any_style {
  enum which { blocking, callback, future, coroutine, fiber };
  which is = blocking;

  template <braid::sender_or_factory S>
  ended_of<S> wait(S&& op) const {
    using value = braid::value_of<braid::sender_of<S>>;
    return wait_for(any_sender<value>(std::in_place, braid::as_sender(std::forward<S>(op))));
  }
  [[nodiscard]] const char* name() const {
    return std::array{"blocking", "callback", "future", "coroutine", "fiber"}[is];
  }
  /// Can the style be tested in a forked child? There ThreadSanitizer misses the switches of fibers and
  /// reports false races. Nor does it know the threads that carry out file operations on epoll.
  [[nodiscard]] bool works_in_child() const {
    return BRAID_TSAN == 0 || (is != fiber && std::string_view(braid::loop().reactor_name()) == "io_uring");
  }

 private:
  template <class T>
  braid::result<T> wait_for(any_sender<T> op) const {
    switch (is) {
      case blocking: return blocking_style::wait(std::move(op));
      case callback: return callback_style::wait(std::move(op));
      case future: return future_style::wait(std::move(op));
      case coroutine: return coroutine_style::wait(std::move(op));
      case fiber: break;
    }
    return fiber_style::wait(std::move(op));
  }
};

}  // namespace braid_tests

/// Declares the style and runs the test case once with each. A failure names the style.
#define IN_EVERY_STYLE(style) BRAID_TESTS_IN_STYLES(style, 0)
/// The styles that share a loop with other work: all but the blocking one.
#define IN_EVERY_CONCURRENT_STYLE(style) BRAID_TESTS_IN_STYLES(style, 1)
#define BRAID_TESTS_IN_STYLES(style, first)                                                     \
  const braid_tests::any_style style{                                                           \
      static_cast<braid_tests::any_style::which>(GENERATE(range(static_cast<int>(first), 5)))}; \
  CAPTURE(style.name())
