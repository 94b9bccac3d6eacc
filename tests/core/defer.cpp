#include "braid/core/defer.hpp"

#include <memory>
#include <stdexcept>

#include "braid/core/just.hpp"
#include "catch.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using braid_tests::recorded;

TEST_CASE("defer: makes its sender when it is started", "[core][defer]") {
  int made = 0;
  recorded op(defer([&] { return just(++made); }));
  CHECK(made == 0);
  op.start();
  CHECK(made == 1);
  CHECK(op.heard.times == 1);
  CHECK(*op.result() == 1);
}

TEST_CASE("defer: an exception from the function is the operation's error", "[core][defer]") {
  recorded op(defer([]() -> decltype(just(1)) { throw std::out_of_range("seven"); }));
  op.start();
  CHECK(op.heard.times == 1);
  REQUIRE_FALSE(op.result());
  CHECK_THROWS_AS(op.result().value(), std::out_of_range);
}

TEST_CASE("defer: keeps the function and its captures until the operation is destroyed", "[core][defer]") {
  const auto owned = std::make_shared<int>(5);
  {
    recorded op(defer([owned] { return just_from([&n = *owned] { return n; }); }));
    op.start();
    CHECK(*op.result() == 5);
    CHECK(owned.use_count() == 2);
  }
  CHECK(owned.use_count() == 1);
}

// Completes with whether stop has been requested when it starts.
struct asks {
  using sender_concept = sender_tag;
  using value_type = bool;

  template <class R>
  struct state : pinned {
    explicit state(R waiting) : receiver(std::move(waiting)) {}
    void start() noexcept {
      R to = std::move(receiver);
      const bool stopped = to.get_stop_token().stop_requested();
      std::move(to).finish(result<bool>(stopped));
    }
    R receiver;
  };
  template <receiver_of<bool> R>
  auto connect(R waiting) && {
    return state<R>(std::move(waiting));
  }
};

TEST_CASE("defer: passes the stop token to the sender", "[core][defer]") {
  stop_source source;
  source.request_stop();
  recorded stopped(defer([] { return asks(); }), source.get_token());
  CHECK(*stopped.start().result());
  recorded left_alone(defer([] { return asks(); }));
  CHECK_FALSE(*left_alone.start().result());
}

TEST_CASE("as_sender: leaves a sender as it is and defers a function", "[core][defer]") {
  auto op = just(1);
  static_assert(std::is_same_v<decltype(as_sender(std::move(op))), decltype(op)&&>);
  static_assert(std::is_same_v<sender_of<decltype(op)>, decltype(op)>);
  CHECK(*recorded(as_sender([] { return just(2); })).start().result() == 2);
  auto factory = [p = std::make_unique<int>(3)] { return just(*p); };  // a move-only function
  static_assert(std::is_same_v<value_of<sender_of<decltype(factory)>>, int>);
  CHECK(*recorded(as_sender(std::move(factory))).start().result() == 3);
}

}  // namespace
