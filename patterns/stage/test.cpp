#include "stage/cues.hpp"

#include <string>
#include <vector>

#include <braid/braid.hpp>

#include "catch.hpp"
#include "stage/line_service.hpp"
#include "stage/story.hpp"

using namespace braid;

namespace {

// Answers a line once the cue of that line is given.
stage::answer_fn on_cue(stage::cues& given) {
  return [&given](std::string line) -> task<std::string> {
    co_await given.wait_for(line);
    co_return "it is " + line;
  };
}

task<> tell_answer(endpoint at, std::string line, stage::story& told) {
  told.tell(co_await stage::ask(at, line));
}

}  // namespace

TEST_CASE("cues: answers come in the order of the cues, not of the questions", "[stage]") {
  stage::cues given;
  stage::line_service service(on_cue(given));
  stage::story told;
  loop here;
  auto one = spawn(tell_answer(service.address(), "one", told));
  auto two = spawn(tell_answer(service.address(), "two", told));
  given.give("two");
  run(std::move(two));
  given.give("one");
  run(std::move(one));
  CHECK(told.events() == std::vector<std::string>{"it is two", "it is one"});
}

TEST_CASE("cues: an earlier cue stays given, and a cue releases all its waiters", "[stage]") {
  stage::cues given;
  given.give("early");
  loop here;
  run(given.wait_for("early"));
  auto both = spawn(when_all(given.wait_for("late"), given.wait_for("late")));
  given.give("late");
  run(std::move(both));
}

TEST_CASE("cues: a cue given after its service has ended has no effect", "[stage]") {
  stage::cues given;
  {
    stage::line_service service(on_cue(given));
    loop here;
    const auto asking = spawn(stage::ask(service.address(), "one"));
    asking.request_stop();
    here.run();
  }
  given.give("one");
}

TEST_CASE("line_service: a client may leave before it has asked or before it gets its answer",
          "[stage]") {
  stage::cues given;
  const stage::answer_fn answer = on_cue(given);
  loop here;
  int failures = 0;
  here.on_unhandled_error([&](const error&) { ++failures; });
  tcp::listener door = tcp::listen_now(endpoint::loopback());
  const endpoint address = door.local_endpoint();
  const auto serving = spawn(stage::serve(std::move(door), answer));

  (void)run(tcp::connect(address));  // and closed again
  {
    const tcp::stream client = run(tcp::connect(address));
    run(client.write_all(std::string_view("one\n")));
  }
  given.give("one");
  given.give("two");
  CHECK(run(stage::ask(address, "two")) == "it is two");
  serving.request_stop();
  here.run();
  CHECK(failures == 0);
}
