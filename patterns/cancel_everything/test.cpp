#include "versions.hpp"

#include <random>
#include <string>
#include <thread>

#include "catch.hpp"
#include "descriptors.hpp"
#include "braid/style/spawn.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/as_result.hpp"
#include "every_cancellation.hpp"
#include "stage/cues.hpp"
#include "stage/temporary_folder.hpp"

using namespace cancel_everything;
using stage::style;

namespace {

// The feed is ready at the third request, and so is the body then.
stage::answer_fn slow_site(stage::cues& given) {
  return [&given, asked = 0](std::string part) mutable -> task<std::string> {
    if (part == "body") co_await given.wait_for("body");
    if (part != "feed") co_return part;
    if (++asked < 3) co_return "not yet";
    given.give("body");
    co_return "feed";
  };
}

// A request whose site is on the same loop, stopped after this many turns. False if it has ended before.
bool stopped_after(int turns, style how) {
  const std::size_t descriptors = braid_tests::open_descriptors();
  bool in_time = true;
  {
    const stage::temporary_folder folder;
    stage::cues given;
    const stage::answer_fn answer = slow_site(given);
    stage::story told;
    loop here({.operations_per_turn = 1});
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    const site from(door.local_endpoint(), told);
    const future<void> serving = spawn(stage::serve(std::move(door), answer));

    page_request asked(how, from, folder.path() / "draft");
    for (int turn = 0; turn < turns && !asked.has_ended(); ++turn) here.turn(true);
    in_time = !asked.has_ended();
    asked.stop();
    const result<page> ended = asked.wait();

    if (!ended) CHECK(ended.error() == std::errc::operation_canceled);
    if (!in_time) CHECK(ended.value() == "head, body, feed");
    CHECK(from.under_way() == 0);
    CHECK_FALSE(exists(folder.path() / "draft"));
    serving.request_stop();
    here.run();
    CHECK_FALSE(here.has_work());
  }
  CHECK(braid_tests::open_descriptors() == descriptors);
  return in_time;
}

}  // namespace

TEST_CASE("cancel_everything: stopped at any turn all ends, descriptors are closed, the draft is removed",
          "[cancel_everything]") {
  const style how = GENERATE(style::callback, style::future, style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  int turns = 0;
  while (stopped_after(turns, how)) ++turns;
  CHECK(turns > 10);
}

TEST_CASE("cancel_everything: a blocking call is stopped by another thread", "[cancel_everything]") {
  const stage::temporary_folder folder;
  stop_source user;
  stage::story told;
  const stage::line_service service([&](std::string part) -> task<std::string> {
    if (part == "body") user.request_stop();  // on this thread, while the other waits
    co_await sleep_for(1h);
    co_return part;
  });
  const site from(service.address(), told);

  CHECK_THROWS_AS(blocking::build_page(from, folder.path() / "draft", user.get_token()), std::system_error);
  CHECK(from.under_way() == 0);
  CHECK(told.position("draft") == 0);
  CHECK(told.position("draft discarded") == told.events().size() - 1);
  CHECK_FALSE(exists(folder.path() / "draft"));
}

TEST_CASE("cancel_everything: another thread may stop it at any moment", "[cancel_everything]") {
  const style how = GENERATE(style::callback, style::future, style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  const stage::temporary_folder folder;
  std::minstd_rand random(7);
  stage::story told;
  const stage::line_service service([](std::string part) -> task<std::string> { co_return part; });
  const site from(service.address(), told);
  loop here;
  for (int times = 0; times < 50; ++times) {
    page_request asked(how, from, folder.path() / "draft");
    std::jthread user([&asked, waits = random() % 200] {
      for (unsigned turn = 0; turn < waits; ++turn) std::this_thread::yield();
      asked.stop();
    });
    const result<page> ended = asked.wait();
    if (!ended) CHECK(ended.error() == std::errc::operation_canceled);
    CHECK(from.under_way() == 0);
    CHECK_FALSE(exists(folder.path() / "draft"));
  }
}

TEST_CASE("cancel_everything: a coroutine and a fiber can be stopped at every await", "[cancel_everything]") {
  const style how = GENERATE(style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  const stage::temporary_folder folder;
  const path draft = folder.path() / "draft";
  const std::size_t suspensions = braid_tests::every_cancellation_with_memory([how, &draft]() -> task<> {
    stage::cues given;
    const stage::answer_fn answer = slow_site(given);
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    stage::story told;
    const site from(door.local_endpoint(), told);
    auto building = [&]() -> task<> {
      auto in_a_fiber = in_fiber([&] { return fibers::build_page(from, draft, stop_token()); });
      result<page> built = std::errc::operation_canceled;
      if (how == style::coroutine)
        built = co_await as_result(coroutines::build_page(from, draft, stop_token()));
      else
        built = co_await as_result(std::move(in_a_fiber));
      // A loop that ends leaves no time for clean-up.
      if (exists(draft) && !loop::current().ending()) throw std::logic_error("the draft is still there");
      (void)built.value();
    };
    co_await when_any(stage::serve(std::move(door), answer), building);
  });
  CHECK(suspensions > 10);
}
