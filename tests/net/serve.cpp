#include "braid/net/serve.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/net/graceful_shutdown.hpp"
#include "braid/net/tcp.hpp"
#include "braid/net/unix_domain.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

template <class Stream>
task<> echo_of(Stream client) {
  std::array<char, 64> part;
  while (const std::size_t got = co_await client.read_some(part))
    co_await client.write_all(std::span(part).first(got));
  co_await client.close();
}
task<> echo(tcp::stream client) { return echo_of(std::move(client)); }

// What the server at that endpoint echoes.
task<std::string> asks(endpoint at, std::string question) {
  tcp::stream server = co_await tcp::connect(at);
  co_await server.write_all(question);
  co_await server.read_exactly(question);
  co_await server.close();
  co_return question;
}

task<std::string> asks(unix_domain::address at, std::string question) {
  unix_domain::stream server = co_await unix_domain::connect(at);
  co_await server.write_all(question);
  co_await server.read_exactly(question);
  co_await server.close();
  co_return question;
}

// A connection by blocking calls.
template <class Address>
int raw_client(const Address& to) {
  const int made = ::socket(to.data()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0 || ::connect(made, to.data(), to.size()) != 0)
    throw std::system_error(errno, std::generic_category(), "raw_client");
  return made;
}

void allow_descriptors() {
  const rlimit many{1024, 1024};
  if (::setrlimit(RLIMIT_NOFILE, &many) != 0)
    throw std::system_error(errno, std::generic_category(), "setrlimit");
}

void expect(bool what, const char* text) {
  if (!what) throw std::runtime_error(text);
}

// Runs a server in this process, which has a standard error of its own, through two shortages.
template <class Stream>
void turns_clients_away(any_style style, const auto& door, const auto& at, auto serve) {
  loop& here = loop::current();
  std::vector<error> errors;
  serve_options how;
  how.on_error = [&](const error& why) { errors.push_back(why); };
  auto_reset_event served;
  const auto tells = [&served](Stream client) -> task<> {
    co_await echo_of(std::move(client));
    served.set();
  };
  auto serving = spawn(serve(door, tells, std::move(how)));
  here.run(yield());
  for (int round = 1; round <= 2; ++round) {
    std::vector<Stream> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(Stream::from_descriptor(raw_client(at)));
    leave_no_descriptors();
    for (Stream& each : clients) {
      std::array<char, 1> room;
      const auto got = style.wait(each.read_some(room));
      expect(!got || *got == 0, "a client was served without a descriptor");
    }
    expect(errors.size() == static_cast<std::size_t>(round), "a shortage is reported once");
    expect(errors.back() == std::errc::too_many_files_open, "the report is of another error");
    for (Stream& each : clients) expect(style.wait(each.close()).has_value(), "close");
    allow_descriptors();
    expect(style.wait(asks(at, "again")).value() == "again", "the server does not go on");
    expect(style.wait(served.wait()).has_value(), "wait");  // its descriptor is free
  }
  serving.request_stop();
  (void)here.run(as_result(std::move(serving)));
}

}  // namespace

TEST_CASE("serve: serves many clients, and ends when the listener is closed and they have gone",
          "[net][serve]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    const endpoint at = door.local_endpoint();
    const auto program = [&]() -> task<> {
      auto serving = spawn(tcp::serve(door, echo));
      std::vector<task<std::string>> questions;
      for (int i = 0; i < 20; ++i) questions.push_back(asks(at, "question " + std::to_string(i)));
      const std::vector<std::string> answers = co_await when_all(std::move(questions));
      for (std::size_t i = 0; i < answers.size(); ++i) CHECK(answers[i] == "question " + std::to_string(i));
      const tcp::stream last = co_await tcp::connect(at);
      co_await last.write_all("x");
      std::string room(1, '?');
      co_await last.read_exactly(room);
      co_await door.close();
      co_await yield();
      CHECK_FALSE(serving.is_ready());  // the last client is still there
      co_await last.shutdown_send();
      co_await std::move(serving);
    };
    CHECK(style.wait(program));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("serve: a handler that fails ends its own connection alone", "[net][serve]") {
  IN_EVERY_STYLE(style);
  loop here;
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  const endpoint at = door.local_endpoint();
  std::vector<std::string> errors;
  serve_options how;
  how.on_error = [&](const error& why) { errors.push_back(why.message()); };
  const auto fails_once = [times = 0](tcp::stream client) mutable -> task<> {
    if (++times == 1) throw std::runtime_error("no mood");
    if (times == 2) return echo(std::move(client));
    const auto later = [](tcp::stream) -> task<> {
      co_await yield();
      throw std::runtime_error("no mood later");
    };
    return later(std::move(client));
  };
  auto serving = spawn(tcp::serve(door, fails_once, std::move(how)));
  CHECK_FALSE(style.wait(asks(at, "first")));
  CHECK(style.wait(asks(at, "second")).value() == "second");
  CHECK_FALSE(style.wait(asks(at, "third")));
  CHECK(errors == std::vector<std::string>{"no mood", "no mood later"});
  CHECK_FALSE(serving.is_ready());
  serving.request_stop();
  CHECK(here.run(as_result(std::move(serving))).error() == std::errc::operation_canceled);
}

TEST_CASE("serve: without an on_error it prints a handler's failure, and goes on", "[net][serve]") {
  const auto ended = in_child([] {
    loop here;
    const tcp::listener door = tcp::listen_now(endpoint::loopback());
    const auto fails_once = [times = 0](tcp::stream client) mutable -> task<> {
      if (++times == 1) throw std::runtime_error("no mood");
      return echo(std::move(client));
    };
    auto serving = spawn(tcp::serve(door, fails_once));
    (void)here.run(as_result(asks(door.local_endpoint(), "first")));
    expect(here.run(asks(door.local_endpoint(), "second")) == "second", "the server does not go on");
    serving.request_stop();
    (void)here.run(as_result(std::move(serving)));  // before the listener ends
  });
  CHECK_THAT(ended.errors, contains("braid: tcp::serve: no mood"));
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("serve: an exception of on_error ends the server", "[net][serve]") {
  loop here;
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  serve_options how;
  how.on_error = [](const error& why) { why.rethrow(); };
  const auto fails = [](tcp::stream) -> task<> {
    co_await yield();
    throw std::runtime_error("enough");
  };
  auto serving = spawn(tcp::serve(door, fails, std::move(how)));
  (void)here.run(as_result(asks(door.local_endpoint(), "x")));
  CHECK_THROWS_WITH(here.run(std::move(serving)), "enough");
}

TEST_CASE("serve: serves at most so many at a time", "[net][serve]") {
  IN_EVERY_STYLE(style);
  loop here;
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  const endpoint at = door.local_endpoint();
  std::size_t now = 0, most = 0;
  const auto counted = [&](tcp::stream client) -> task<> {
    most = std::max(most, ++now);
    co_await echo(std::move(client));
    --now;
  };
  serve_options how;
  how.at_most = 3;
  auto serving = spawn(tcp::serve(door, counted, std::move(how)));
  const auto all = [&]() -> task<> {
    std::vector<task<std::string>> questions;
    for (int i = 0; i < 30; ++i) questions.push_back(asks(at, "x"));
    (void)co_await when_all(std::move(questions));
  };
  CHECK(style.wait(all));
  CHECK(most == 3);
  serving.request_stop();
  CHECK_FALSE(here.run(as_result(std::move(serving))));
  const auto none = style.wait(tcp::serve(door, echo, serve_options{.at_most = 0}));
  REQUIRE_FALSE(none);
  CHECK_THROWS_AS(none.value(), std::invalid_argument);
}

TEST_CASE("serve: a stop request stops the handlers and waits for them", "[net][serve]") {
  IN_EVERY_STYLE(style);
  loop here;
  const bool door_closes_first = GENERATE(false, true);
  tcp::listener door = tcp::listen_now(endpoint::loopback());
  std::size_t ended = 0;
  event begun;
  const auto waits = [&](tcp::stream client) -> task<> {
    begun.set();
    std::array<char, 1> room;
    auto reading = as_result(client.read_some(room));
    const auto got = co_await std::move(reading);
    ++ended;
    (void)got.value();
  };
  std::size_t errors = 0;
  serve_options how;
  how.on_error = [&](const error&) { ++errors; };
  auto serving = spawn(tcp::serve(door, waits, std::move(how)));
  const auto client = style.wait(tcp::connect(door.local_endpoint()));
  REQUIRE(client);
  CHECK(style.wait(begun.wait()));
  if (door_closes_first) CHECK(style.wait(door.close()));
  serving.request_stop();
  CHECK(here.run(as_result(std::move(serving))).error() == std::errc::operation_canceled);
  CHECK(ended == 1);
  CHECK(errors == 0);
}

TEST_CASE("serve: without a descriptor left it turns clients away, reports that once, and goes on",
          "[net][serve]") {
  IN_EVERY_STYLE(style);
  if (!style.works_in_child()) return;
  const auto ended = in_child([&] {
    loop here;
    const tcp::listener door = tcp::listen_now(endpoint::loopback());
    turns_clients_away<tcp::stream>(style, door, door.local_endpoint(), [](auto& at, auto f, auto how) {
      return tcp::serve(at, f, std::move(how));
    });
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("serve: over Unix-domain sockets it gets over a shortage too, and ends in order", "[net][serve]") {
  const auto ended = in_child([&] {
    loop here;
    const std::string name = "braid-serve-" + std::to_string(::getpid());
    {
      const auto door = unix_domain::listen_now(unix_domain::address::abstract(name));
      turns_clients_away<unix_domain::stream>(
          any_style{}, door, door.local_address(),
          [](auto& at, auto f, auto how) { return unix_domain::serve(at, f, std::move(how)); });
    }
    const auto at = unix_domain::address::abstract(name + "-again");
    unix_domain::listener door = unix_domain::listen_now(at);
    const auto until_closing = [](unix_domain::stream client, stop_token closing) -> task<> {
      std::string room(1, '?');
      co_await client.read_exactly(room);
      co_await client.write_all(room);
      co_await with_stop_token(client.read_exactly(room), closing);
    };
    std::string room(1, '?');
    const auto program = [&](scope& all) -> task<> {
      all.spawn(unix_domain::serve(door, until_closing));
      const unix_domain::stream client = co_await unix_domain::connect(at);
      co_await client.write_all("x");
      co_await client.read_exactly(room);
      const shutdown_report how = co_await graceful_shutdown(door, all, 1h);
      expect(how.finished == 1 && how.cut == 0, "the connection has not finished");
    };
    const auto end = here.run(as_result(with_scope(program)));
    expect(end.has_value() && room == "x", "the server has not ended in order");
    const auto refused = here.run(as_result(unix_domain::connect(at)));
    expect(!refused && refused.error() == std::errc::connection_refused, "it still listens");
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("serve: without a reserve it pauses until a descriptor is free", "[net][serve]") {
  IN_EVERY_STYLE(style);
  if (!style.works_in_child()) return;
  const auto ended = in_child([&] {
    loop here;
    const tcp::listener door = tcp::listen_now(endpoint::loopback());
    const endpoint at = door.local_endpoint();
    const auto client = tcp::stream::from_descriptor(raw_client(at));
    std::size_t reports = 0;
    serve_options how;
    how.on_error = [&](const error& why) {
      expect(why == std::errc::too_many_files_open, "the report is of another error");
      ++reports;
      here.post(allow_descriptors);
    };
    here.run(yield());
    leave_no_descriptors();
    auto serving = spawn(tcp::serve(door, echo, std::move(how)));
    expect(style.wait(client.write_all("x")).has_value(), "write");
    std::string room(1, '?');
    expect(style.wait(client.read_exactly(room)).has_value() && room == "x", "the client was not served");
    expect(reports == 1, "a shortage is reported once");
    serving.request_stop();
    (void)here.run(as_result(std::move(serving)));
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("serve: can be cancelled at each await", "[net][serve][cancellation]") {
  const auto program = []() -> task<> {
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    const auto client = [&]() -> task<> {
      auto asking = as_result(asks(door.local_endpoint(), "x"));
      const auto answer = co_await std::move(asking);
      co_await door.close();
      (void)answer.value();
    };
    serve_options how;
    how.on_error = [](const error&) {};  // a client that is cancelled may reset its connection
    auto both = when_all(tcp::serve(door, echo, std::move(how)), client);
    (void)co_await std::move(both);
  };
  CHECK(every_cancellation_with_memory(program) >= 3);
}
