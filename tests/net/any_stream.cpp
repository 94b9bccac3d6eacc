#include "braid/net/any_stream.hpp"

#include <string>
#include <utility>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/fs/file.hpp"
#include "braid/fs/pipe.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/future.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "net/connection.hpp"
#include "net/pieces.hpp"

using namespace braid;
using namespace braid_tests;

static_assert(byte_stream<any_stream> && gathering_writable<any_stream>);
static_assert(std::is_convertible_v<tcp::stream, any_stream> && std::is_convertible_v<file, any_stream>);
static_assert(!std::is_convertible_v<tcp::stream&, any_stream> && !std::is_copy_constructible_v<any_stream>);

namespace {

task<std::string> ask(any_stream peer, const char* question) {
  std::string room(64, '?');
  co_await peer.write_all(question);
  const std::size_t got = co_await peer.read_some(room);
  room.resize(got);
  co_return room;
}

}  // namespace

// A coroutine of a header has it as a parameter: g++ warns where such a type is known to one file alone.
namespace any_stream_test {

struct closes_only {
  task<std::size_t> read_some(writable_bytes) { co_return 0; }
  task<> write_all(readable_bytes from) { co_await to.write_all(from); }
  task<> close() { co_await to.close(); }
  file to;
};

}  // namespace any_stream_test

TEMPLATE_LIST_TEST_CASE("any_stream: every style uses a stream of any type, without an allocation",
                        "[net][any_stream][exact]", every_style) {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  any_stream one = std::move(near), other = std::move(far);
  std::string room(16, '?');
  const auto once = [&] {
    const bool sent = TestType::wait(one.write_all("ping")) && TestType::wait(one.write_all({"po", "ng"}));
    std::size_t got = 0;
    while (got < 8) got += TestType::wait(other.read_some(room)).value();
    return sent && got == 8;
  };
  for (int i = 0; i < 100; ++i) REQUIRE(once());
  const allocation_count count;
  for (int i = 0; i < 100; ++i) once();
  const std::size_t made = count.made();
  if (counts_allocations) CHECK(made == 0);
  CHECK(TestType::wait(one.shutdown_send()));
  CHECK(TestType::wait(other.read_some(room)).value() == 0);
  CHECK(TestType::wait(other.close()));
  CHECK(TestType::wait(one.close()));
}

TEST_CASE("any_stream: one function that is no template serves every stream", "[net][any_stream]") {
  IN_EVERY_STYLE(style);
  loop here;
  both_ways made;
  made.left = {"answer"};
  CHECK(style.wait(ask(std::move(made), "question")).value() == "answer");
  auto [near, far] = connected_pair(style);
  CHECK(style.wait(far.write_all("hello")));
  CHECK(style.wait(ask(std::move(near), "hi")).value() == "hello");
}

TEST_CASE("any_stream: aborts a stream that can, and closes one that cannot", "[net][any_stream]") {
  IN_EVERY_STYLE(style);
  loop here;
  std::string room(4, '?');
  {
    auto [near, far] = connected_pair(style);
    any_stream one = std::move(near);
    CHECK(style.wait(one.abort()));
    CHECK(style.wait(far.read_some(room)).error() == std::errc::connection_reset);
  }
  auto [in, out] = pipe();
  any_stream one = any_stream_test::closes_only{std::move(out)};
  CHECK(style.wait(one.write_all("word")));
  CHECK(style.wait(one.abort()));
  CHECK(style.wait(in.read_some(room)).value() == 4);
  CHECK(style.wait(in.read_some(room)).value() == 0);
}

TEST_CASE("any_stream: costs one allocation", "[net][any_stream][exact]") {
  loop here;
  tcp::stream none;
  const allocation_count count;
  const any_stream made = std::move(none);
  if (counts_allocations) CHECK(count.made() == 1);
}

TEST_CASE("any_stream: may be moved while its operations run", "[net][any_stream]") {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  any_stream before = std::move(near);
  std::string room(4, '?');
  auto reading = spawn(before.read_some(room));
  here.turn(false);
  any_stream after = std::move(before);
  here.run(far.write_all("word"));
  CHECK(here.run(std::move(reading)) == 4);
  CHECK(room == "word");
  here.run(after.close());
}

TEST_CASE("any_stream: errors keep their count, and what a stream cannot do is an error",
          "[net][any_stream]") {
  IN_EVERY_STYLE(style);
  loop here;
  both_ways made;
  made.most = 5;
  made.failure = error(std::errc::io_error);
  any_stream stream = std::move(made);
  const auto failed = style.wait(stream.write_all({"abc", "def"}));
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == std::errc::no_space_on_device);
  CHECK(failed.error().transferred() == 5);
  std::string room(4, '?');
  CHECK(style.wait(stream.read_some(room)).error() == std::errc::io_error);
  constexpr auto unsupported = std::errc::operation_not_supported, closed = std::errc::bad_file_descriptor;
  const auto fails_as = [&](auto op, std::errc why, const std::string& call) {
    const auto ended = style.wait(std::move(op));
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == why);
    CHECK(ended.error().call() == call);
  };
  fails_as(stream.shutdown_send(), unsupported, "any_stream::shutdown_send");
  fails_as(stream.close(), unsupported, "any_stream::close");
  fails_as(stream.abort(), unsupported, "any_stream::close");
  any_stream none;
  fails_as(none.read_some(room), closed, "any_stream::read_some");
  fails_as(none.write_all("x"), closed, "any_stream::write_all");
  fails_as(none.write_all({"x", "y"}), closed, "any_stream::write_all");
  fails_as(none.shutdown_send(), closed, "any_stream::shutdown_send");
  fails_as(none.close(), closed, "any_stream::close");
  fails_as(none.abort(), closed, "any_stream::abort");
}

TEST_CASE("any_stream: can be cancelled at each await", "[net][any_stream][cancellation]") {
  const auto program = []() -> task<> {
    both_ways made;
    made.left = {"answer"};
    const std::string got = co_await ask(std::move(made), "question");
    if (got != "answer") throw std::logic_error("another answer");
  };
  CHECK(every_cancellation(program) >= 3);
}
