#include "braid/combine/with_stop_token.hpp"

#include <chrono>
#include <optional>
#include <thread>

#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/get_stop_token.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("with_stop_token: a stop at its source ends the operation", "[with_stop_token][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  stop_source stop;
  here.post([&] { stop.request_stop(); });
  auto ended = style.wait(with_stop_token(sleep_for(1h), stop.get_token()));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::operation_canceled);
}

TEST_CASE("with_stop_token: a stop requested before the start ends the operation",
          "[with_stop_token][stop]") {
  IN_EVERY_STYLE(style);
  stop_source stop;
  stop.request_stop();
  auto slept = style.wait(with_stop_token(sleep_for(1h), stop.get_token()));
  REQUIRE_FALSE(slept);
  CHECK(slept.error() == std::errc::operation_canceled);
  auto asked = style.wait(with_stop_token(nop(), stop.get_token()));
  REQUIRE_FALSE(asked);
  CHECK(asked.error() == std::errc::operation_canceled);
}

TEST_CASE("with_stop_token: a stop from another thread ends the operation",
          "[with_stop_token][stop][thread]") {
  IN_EVERY_STYLE(style);
  stop_source stop;
  std::thread elsewhere([&] { stop.request_stop(); });
  auto ended = style.wait(with_stop_token(sleep_for(1h), stop.get_token()));
  elsewhere.join();
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::operation_canceled);
}

TEST_CASE("with_stop_token: an operation that ends by itself keeps its result, with and without a source",
          "[with_stop_token]") {
  IN_EVERY_STYLE(style);
  stop_source stop;
  CHECK(style.wait(with_stop_token(just(1), stop.get_token())).value() == 1);
  CHECK(style.wait(with_stop_token(yield(), stop_token())));
}

namespace {

// Ends within the call that requests stop.
struct ends_when_asked {
  using sender_concept = sender_tag;
  using value_type = void;
  template <class R>
  struct state {
    explicit state(R to) : receiver(std::move(to)) {}
    void start() noexcept { callback.emplace(receiver.get_stop_token(), on_stop{this}); }
    struct on_stop {
      state* self;
      void operator()() const noexcept {
        R to = std::move(self->receiver);
        self->callback.reset();
        std::move(to).finish(error(std::errc::operation_canceled));
      }
    };
    R receiver;
    std::optional<stop_callback<on_stop>> callback;
  };
  template <receiver_of<void> R>
  auto connect(R receiver) && {
    return state<R>(std::move(receiver));
  }
};

}  // namespace

TEST_CASE("with_stop_token: an operation may end within the stop call and be destroyed",
          "[with_stop_token][stop]") {
  for (const bool by_outer : {false, true}) {
    loop here;
    stop_source outer, inner;
    bool cancelled = false;
    start(with_stop_token(with_stop_token(ends_when_asked(), inner.get_token()), outer.get_token()),
          [&](result<void> ended) { cancelled = ended == std::errc::operation_canceled; });
    (by_outer ? outer : inner).request_stop();
    here.run();
    CHECK(cancelled);
  }
}

TEST_CASE("with_stop_token: both tokens stop the operation", "[with_stop_token][stop]") {
  loop here;
  for (const bool from_outside : {false, true}) {
    stop_source given;
    auto waiting = spawn(with_stop_token(sleep_for(1h), given.get_token()));
    if (from_outside)
      waiting.request_stop();
    else
      given.request_stop();
    CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
  }
}

TEST_CASE("with_stop_token: the operation sees the given token if the waiter has none", "[with_stop_token]") {
  stop_source stop;
  CHECK(run(with_stop_token(get_stop_token(), stop.get_token())) == stop.get_token());
}
