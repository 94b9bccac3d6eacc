#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "clients.hpp"
#include "stage/cues.hpp"
#include "versions.hpp"

using namespace thread_per_request;

namespace {

constexpr std::size_t clients = 10, few_threads = 3;

task<std::string> ask_at(endpoint at, std::string target) {
  tcp::stream server = co_await tcp::connect(at);
  co_return co_await ask_once(server, std::move(target));
}

}  // namespace

TEST_CASE("thread_per_request: every model gives the same answers", "[thread_per_request]") {
  const model by = GENERATE(from_range(every_model));
  CAPTURE(name_of(by));
  database from(std::chrono::milliseconds(0));
  const server serving(by, endpoint::loopback(), from);
  loop here;
  std::vector<task<std::string>> asking;
  for (std::size_t n = 0; n < clients; ++n)
    asking.push_back(ask_at(serving.address(), "/" + std::to_string(n)));
  const std::vector<std::string> answers = here.run(when_all(std::move(asking)));
  for (std::size_t n = 0; n < clients; ++n) CHECK(answers[n] == "the answer to /" + std::to_string(n) + "\n");
}

TEST_CASE("thread_per_request: a connection serves one request after the other", "[thread_per_request]") {
  const model by = GENERATE(from_range(every_model));
  CAPTURE(name_of(by));
  database from(std::chrono::milliseconds(0));
  const server serving(by, endpoint::loopback(), from);
  loop here;
  tcp::stream one = here.run(tcp::connect(serving.address()));
  CHECK(here.run(ask_once(one, "/1")) == "the answer to /1\n");
  CHECK(here.run(ask_once(one, "/2")) == "the answer to /2\n");
  CHECK(from.most_at_once() == 1);
}

TEST_CASE("thread_per_request: a pool's threads bound the requests that wait at once, a loop does not",
          "[thread_per_request]") {
  const model by = GENERATE(from_range(every_model));
  CAPTURE(name_of(by));
  const std::size_t expected = by == model::pool ? few_threads : clients;
  stage::cues given;
  std::atomic<std::size_t> arrived = 0;
  database from([&]() -> task<> {
    if (++arrived == expected) given.give("all that can");
    co_await given.wait_for("go on");
  });
  const server serving(by, endpoint::loopback(), from, few_threads);
  loop here;
  std::vector<task<std::string>> asking;
  for (std::size_t n = 0; n < clients; ++n) asking.push_back(ask_at(serving.address(), "/page"));
  const auto program = [&]() -> task<std::vector<std::string>> {
    auto all = spawn(when_all(std::move(asking)));
    co_await given.wait_for("all that can");
    CHECK_FALSE(all.is_ready());
    given.give("go on");
    co_return co_await std::move(all);
  };
  CHECK(here.run(program()) == std::vector<std::string>(clients, "the answer to /page\n"));
  CHECK(from.most_at_once() == expected);
}

TEST_CASE("thread_per_request: a server that is stopped does not wait for its backend",
          "[thread_per_request][stop]") {
  const model by = GENERATE(model::thread, model::loop, model::fibers, model::cores);
  CAPTURE(name_of(by));
  stage::cues given;
  database from([&]() -> task<> {
    given.give("asked");
    co_await given.wait_for("never");
  });
  loop here;
  tcp::stream client;
  std::optional<future<result<std::string>>> asking;
  {
    const server serving(by, endpoint::loopback(), from);
    client = here.run(tcp::connect(serving.address()));
    asking.emplace(spawn(as_result(ask_once(client, "/page"))));
    here.run(given.wait_for("asked"));
  }
  CHECK_FALSE(here.run(*std::move(asking)));
}

TEST_CASE("thread_per_request: all clients of a crowd get their answers", "[thread_per_request]") {
  const model by = GENERATE(from_range(every_model));
  CAPTURE(name_of(by));
  database from(std::chrono::milliseconds(1));
  const server serving(by, endpoint::loopback(), from);
  std::size_t calls = 0;
  const crowd who{.connections = 50,
                  .lasts = std::chrono::milliseconds(5),
                  .connected = [&] { ++calls; },
                  .answered = [&] { ++calls; }};
  const seen all = run(visit(serving.address(), who));
  CHECK(all.answers >= 50);
  CHECK(all.refused == 0);
  CHECK(calls == 2);
}
