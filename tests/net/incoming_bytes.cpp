#include "braid/net/incoming_bytes.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/serve.hpp"
#include "braid/net/tcp.hpp"
#include "braid/net/write_all.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/future.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "net/connection.hpp"

using namespace braid;
using namespace braid_tests;

static_assert(async_range<tcp::incoming_bytes> && byte_range<leased_bytes> &&
              std::is_convertible_v<leased_bytes&, readable_bytes>);
static_assert(sizeof(leased_bytes) == 16);

namespace {

void turn_until_idle(loop& here) {
  for (int turns = 0; turns < 20; ++turns) here.run(nop());
}

// All bytes to the end.
task<std::string> rest_of(tcp::incoming_bytes& from) {
  std::string all;
  while (const std::optional<leased_bytes> part = co_await from.next()) all += part->text();
  co_return all;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("incoming_bytes: every style gets what arrives, without an allocation, and the end",
                        "[net][incoming_bytes][exact]", every_style) {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  tcp::incoming_bytes arriving = near.incoming_bytes();
  const auto once = [&] {
    const bool sent = TestType::wait(far.write_all("ping")).has_value();
    std::size_t got = 0;
    while (got != 4) got += TestType::wait(arriving.next()).value()->size();
    return sent;
  };
  for (int i = 0; i < 100; ++i) REQUIRE(once());
  const allocation_count count;
  for (int i = 0; i < 100; ++i) once();
  const std::size_t made = count.made();
  if (counts_allocations) CHECK(made == 0);
  CHECK(TestType::wait(far.write_all("last")));
  CHECK(TestType::wait(far.close()));
  CHECK(TestType::wait(arriving.next()).value()->text() == "last");
  CHECK_FALSE(TestType::wait(arriving.next()).value());
  CHECK_FALSE(TestType::wait(arriving.next()).value());
}

TEST_CASE("incoming_bytes: one request receives everything, larger than a buffer or not",
          "[net][incoming_bytes][exact]") {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  tcp::incoming_bytes arriving = near.incoming_bytes();
  std::string sent, got;
  for (std::size_t size : {1, 4095, 4096, 4097, 100'000, 3}) {
    const std::string piece(size, static_cast<char>('a' + size % 26));
    sent += piece;
    auto writing = spawn(far.write_all(piece));
    while (got.size() != sent.size()) got += here.run(arriving.next())->text();
    here.run(std::move(writing));
    CHECK(got == sent);
  }
  auto waiting = spawn(arriving.next());
  turn_until_idle(here);
  CHECK(here.in_flight() == 1);
  for (int i = 0; i < 3; ++i) {
    here.run(far.write_all("x"));
    turn_until_idle(here);
    CHECK(here.in_flight() == 1);
  }
  CHECK(here.run(std::move(waiting))->text() == "x");
}

TEST_CASE("incoming_bytes: connections that wait own no buffer", "[net][incoming_bytes]") {
  loop here({.receive_buffers = 2});
  std::vector<connection> all;
  std::vector<tcp::incoming_bytes> arriving;
  std::vector<future<std::optional<leased_bytes>>> waiting;
  for (int i = 0; i < 40; ++i) all.push_back(connected_pair(any_style{}));
  for (const connection& each : all) waiting.push_back(spawn(arriving.emplace_back(each.near).next()));
  turn_until_idle(here);
  for (std::size_t i = 0; i < all.size(); ++i) {
    here.run(all[i].far.write_all("hello"));
    CHECK(here.run(std::move(waiting[i]))->text() == "hello");
  }
}

TEST_CASE("incoming_bytes: a loop has from 1 to 32768 buffers", "[net][incoming_bytes]") {
  CHECK_THROWS_AS(loop({.receive_buffers = 0}), std::invalid_argument);
  CHECK_THROWS_AS(loop({.receive_buffers = 32769}), std::invalid_argument);
  loop here({.receive_buffers = 32768});
  auto [near, far] = connected_pair(any_style{});
  tcp::incoming_bytes arriving = near.incoming_bytes();
  here.run(far.write_all("hello"));
  CHECK(here.run(arriving.next())->text() == "hello");
}

TEST_CASE("incoming_bytes: without a free buffer a next waits until one is given back, and loses nothing",
          "[net][incoming_bytes]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  loop here({.receive_buffers = 2});
  auto [near, far] = connected_pair(style);
  auto [other, other_far] = connected_pair(style);
  tcp::incoming_bytes arriving = near.incoming_bytes(), others = other.incoming_bytes();
  std::vector<leased_bytes> kept;
  for (const char* each : {"first", "second"}) {
    CHECK(style.wait(far.write_all(each)));
    kept.push_back(*style.wait(arriving.next()).value());
  }
  CHECK(style.wait(far.write_all("third")));
  CHECK(style.wait(other_far.write_all("other")));
  auto third = spawn(arriving.next());
  turn_until_idle(here);
  auto stopped = spawn(others.next());
  turn_until_idle(here);
  CHECK_FALSE(third.is_ready());
  stopped.request_stop();
  CHECK(here.run(as_result(std::move(stopped))).error() == std::errc::operation_canceled);
  auto fourth = spawn(others.next());
  turn_until_idle(here);
  CHECK(kept[0].text() == "first");
  CHECK(kept[1].text() == "second");
  kept.pop_back();
  kept.push_back(*here.run(std::move(third)));
  CHECK(kept[1].text() == "third");
  kept.clear();
  CHECK(here.run(std::move(fourth))->text() == "other");
}

TEST_CASE("incoming_bytes: connections that contend for few buffers all get theirs, without an error",
          "[net][incoming_bytes]") {
  const unsigned limit = GENERATE(3u, 40u);
  loop here(loop_options{.receive_buffers = limit});
  tcp::listener door = tcp::listen_now(endpoint::loopback());
  const std::string sent(60'000, 'x');
  const auto echo = [](tcp::stream client) -> task<> {
    tcp::incoming_bytes arriving(client);
    while (const std::optional<leased_bytes> part = co_await arriving.next())
      co_await client.write_all(*part);
  };
  const auto ask = [&]() -> task<std::size_t> {
    tcp::stream server = co_await tcp::connect(door.local_endpoint());
    const auto writes = [&]() -> task<> {
      co_await server.write_all(sent);
      co_await server.shutdown_send();
    };
    const auto reads = [&]() -> task<std::size_t> {
      std::string part(900, '\0');
      std::size_t all = 0;
      for (std::size_t got = 1; got != 0; all += got) {
        got = co_await server.read_some(part);
        for (int turns = 0; turns < 3; ++turns) co_await yield();  // so that leases are held for a while
      }
      co_return all;
    };
    const auto [none, all] = co_await when_all(writes, reads);
    co_return all;
  };
  const auto program = [&]() -> task<> {
    auto serving = spawn(tcp::serve(door, echo));
    std::vector<task<std::size_t>> all;
    for (int n = 0; n < 30; ++n) all.push_back(ask());
    const std::vector<std::size_t> got = co_await when_all(std::move(all));
    CHECK(got == std::vector<std::size_t>(30, sent.size()));
    co_await door.close();
    co_await std::move(serving);
  };
  here.run(program);
}

TEST_CASE("incoming_bytes: a connection without bytes keeps no buffer from one that has some",
          "[net][incoming_bytes]") {
  loop here({.receive_buffers = 1});
  auto [near, far] = connected_pair(any_style{});
  auto [silent, silent_far] = connected_pair(any_style{});
  auto [ends, ends_far] = connected_pair(any_style{});
  auto [last, last_far] = connected_pair(any_style{});
  tcp::incoming_bytes first(near), none(silent), end(ends), third(last);
  here.run(far.write_all("one"));
  leased_bytes kept = *here.run(first.next());
  auto waits = spawn(none.next()), over = spawn(end.next());
  here.run(ends_far.close());
  here.run(last_far.write_all("three"));
  auto waits_too = spawn(third.next());
  turn_until_idle(here);
  CHECK_FALSE(waits_too.is_ready());
  kept = {};
  CHECK(here.run(std::move(waits_too))->text() == "three");
  CHECK_FALSE(here.run(std::move(over)));
  here.run(silent_far.write_all("two"));
  CHECK(here.run(std::move(waits))->text() == "two");
}

TEST_CASE("incoming_bytes: pauses while nobody takes what arrives, and then gives it in order",
          "[net][incoming_bytes]") {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  tcp::incoming_bytes arriving = near.incoming_bytes();
  here.run(far.write_all("a"));
  std::string got(here.run(arriving.next())->text());
  std::string sent = "a";
  for (char each = 'b'; each < 'z'; ++each) {
    here.run(far.write_all(std::string(500, each)));
    sent += std::string(500, each);
    turn_until_idle(here);
  }
  CHECK(here.in_flight() == 0);
  here.run(far.close());
  got += here.run(rest_of(arriving));
  CHECK(got == sent);
}

TEST_CASE("incoming_bytes: stopping a next loses no byte", "[net][incoming_bytes][stop]") {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  tcp::incoming_bytes arriving = near.incoming_bytes();
  std::mt19937 random(1);
  std::string sent, got;
  for (int step = 0; step < 300; ++step) {
    auto waiting = spawn(arriving.next());
    if (random() % 2 == 0) {
      const std::string piece(1 + random() % 50, static_cast<char>('a' + step % 26));
      here.run(far.write_all(piece));
      sent += piece;
    }
    for (auto turns = random() % 4; turns != 0; --turns) here.turn(false);
    waiting.request_stop();
    const auto ended = here.run(as_result(std::move(waiting)));
    if (ended)
      got += ended.value()->text();
    else
      REQUIRE(ended.error() == std::errc::operation_canceled);
    REQUIRE(sent.starts_with(got));
  }
  here.run(far.close());
  got += here.run(rest_of(arriving));
  CHECK(got == sent);
}

TEST_CASE("incoming_bytes: an error comes once, after the bytes before it",
          "[net][incoming_bytes][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = connected_pair(style);
  tcp::incoming_bytes arriving = near.incoming_bytes();
  CHECK(style.wait(far.write_all("one")));
  CHECK(style.wait(arriving.next()).value()->text() == "one");
  CHECK(style.wait(far.write_all("two")));
  turn_until_idle(here);
  reset_peer_of(far);
  turn_until_idle(here);
  CHECK(style.wait(arriving.next()).value()->text() == "two");
  const auto failed = style.wait(arriving.next());
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == std::errc::connection_reset);
  CHECK(failed.error().call() == std::string_view("incoming_bytes::next"));
  CHECK_FALSE(style.wait(arriving.next()).value());
}

TEST_CASE("incoming_bytes: a closed stream and a second next at a time fail",
          "[net][incoming_bytes][failure]") {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  tcp::incoming_bytes arriving = near.incoming_bytes();
  auto waiting = spawn(arriving.next());
  CHECK_THROWS_AS(here.run(arriving.next()), std::logic_error);
  turn_until_idle(here);
  here.run(near.close());
  CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
  CHECK(here.run(as_result(arriving.next())).error() == std::errc::bad_file_descriptor);
  pipe_ends ends;
  const auto wrong = tcp::stream::from_descriptor(ends.release_reader());
  ends.close_writer();  // io_uring waits for bytes before it looks what it is
  tcp::incoming_bytes none = wrong.incoming_bytes();
  CHECK(here.run(as_result(none.next())).error() == std::errc::not_a_socket);
}

TEST_CASE("incoming_bytes: bytes outlive the range, the stream and the loop", "[net][incoming_bytes]") {
  const auto before = open_descriptors();
  leased_bytes kept;
  {
    loop here;
    {
      auto [near, far] = connected_pair(any_style{});
      tcp::incoming_bytes arriving = near.incoming_bytes();
      here.run(far.write_all("kept"));
      kept = *here.run(arriving.next());
      here.run(far.write_all("lost"));
      turn_until_idle(here);
    }
    here.run();
    CHECK(kept.text() == "kept");
  }
  CHECK(kept.text() == "kept");
  leased_bytes moved = std::move(kept);
  CHECK(moved.text() == "kept");
  CHECK(kept.size() == 0);
  kept = std::move(moved);
  CHECK(kept.text() == "kept");
  CHECK(open_descriptors() == before);
}

TEST_CASE("incoming_bytes: its end, and the loop's, cancel a waiting next", "[net][incoming_bytes][stop]") {
  std::optional<result<std::optional<leased_bytes>>> finished;
  const auto note = [&](result<std::optional<leased_bytes>> ended) { finished.emplace(std::move(ended)); };
  connection both;
  std::optional<tcp::incoming_bytes> arriving;
  {
    loop here;
    both = connected_pair(any_style{});
    arriving = both.near.incoming_bytes();
    SECTION("its end") {
      start(arriving->next(), note);
      turn_until_idle(here);
      arriving.reset();
      here.run();
    }
    SECTION("the loop's end") {
      start(arriving->next(), note);
      turn_until_idle(here);
    }
  }
  REQUIRE(finished);
  CHECK(finished->error() == std::errc::operation_canceled);
}

TEST_CASE("incoming_bytes: the loop may end while a next waits for a buffer", "[net][incoming_bytes][stop]") {
  leased_bytes kept;
  connection both;
  std::optional<tcp::incoming_bytes> arriving;
  {
    loop here({.receive_buffers = 1});
    both = connected_pair(any_style{});
    arriving = both.near.incoming_bytes();
    here.run(both.far.write_all("one"));
    kept = *here.run(arriving->next());
    here.run(both.far.write_all("two"));
    detach([&]() -> task<> {
      (void)co_await arriving->next();
      throw std::logic_error("there was no buffer");
    });
    turn_until_idle(here);
  }
  CHECK(kept.text() == "one");
}

TEST_CASE("incoming_bytes: in a world with faults and few buffers no byte is lost",
          "[net][incoming_bytes][sim]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    sim::world in(
        {.seed = seed, .network = {.most_latency = std::chrono::milliseconds(5), .buffer_bytes = 5000}});
    in.faults().add({.what = sim::fault::interrupted, .probability = 0.1});
    in.faults().add({.what = sim::fault::no_buffers, .probability = 0.2, .only = opcode::receive_many});
    in.run_on(in.add_host("both"), [seed]() -> task<void> {
      const tcp::listener at = tcp::listen_now(endpoint::loopback());
      auto [near, far] = co_await when_all(tcp::connect(at.local_endpoint()), at.accept());
      std::string sent;
      for (std::size_t i = 0; i < 20'000; ++i) sent += static_cast<char>('a' + (i * seed) % 26);
      const auto sends = [&]() -> task<> {
        for (std::size_t at_byte = 0, size = 1; at_byte < sent.size(); at_byte += size) {
          size = 1 + (at_byte * 7 + seed) % 1500;
          co_await far.write_all(std::string_view(sent).substr(at_byte, size));
        }
        co_await far.shutdown_send();
      };
      tcp::incoming_bytes arriving = near.incoming_bytes();
      auto both = when_all(sends, rest_of(arriving));
      const auto [none, got] = co_await std::move(both);
      CHECK(got == sent);
    }());
  }
}

TEST_CASE("incoming_bytes: a reset in a world is an error, not an end", "[net][incoming_bytes][sim]") {
  sim::world in(3);
  in.run_on(in.add_host("both"), [&in]() -> task<void> {
    const tcp::listener at = tcp::listen_now(endpoint::loopback());
    auto [near, far] = co_await when_all(tcp::connect(at.local_endpoint()), at.accept());
    tcp::incoming_bytes arriving = near.incoming_bytes();
    in.faults().add({.what = sim::fault::reset, .nth = 1, .only = opcode::receive_many});
    const auto failed = co_await as_result(arriving.next());
    CHECK(failed.error() == std::errc::connection_reset);
  }());
}

TEST_CASE("incoming_bytes: can be cancelled at each await", "[net][incoming_bytes][cancellation]") {
  const auto program = []() -> task<> {
    const tcp::listener at = tcp::listen_now(endpoint::loopback());
    auto [near, far] = co_await when_all(tcp::connect(at.local_endpoint()), at.accept());
    tcp::incoming_bytes arriving = near.incoming_bytes();
    const auto sends = [&]() -> task<> {
      co_await far.write_all("some bytes");
      co_await yield();
      co_await far.shutdown_send();
    };
    auto both = when_all(sends, rest_of(arriving));
    const auto [none, got] = co_await std::move(both);
    if (got != "some bytes") throw std::logic_error("other bytes");
  };
  CHECK(every_cancellation_with_memory(program) >= 4);
}

TEST_CASE("incoming_bytes: an idle connection takes less memory than a buffer",
          "[net][incoming_bytes][exact]") {
  loop here;
  constexpr std::size_t connections = 200;
  std::vector<connection> all;
  for (std::size_t i = 0; i < connections; ++i) all.push_back(connected_pair(any_style{}));
  const auto serve = [](tcp::stream peer) -> task<> {
    tcp::incoming_bytes arriving = peer.incoming_bytes();
    while (const std::optional<leased_bytes> part = co_await arriving.next()) co_await peer.write_all(*part);
  };
  const std::size_t before = bytes_allocated();
  for (connection& each : all) detach(serve(std::move(each.near)));
  turn_until_idle(here);
  const std::size_t each = (bytes_allocated() - before) / connections;
  if (counts_allocations) CHECK(each < braid::detail::buffer_pool::size / 2);  // unoptimised frames are large
  std::string room(5, '?');
  for (const connection& one : all) {
    here.run(one.far.write_all("hello"));
    here.run(one.far.read_exactly(room));
    REQUIRE(room == "hello");
  }
  all.clear();
  here.run();
}
