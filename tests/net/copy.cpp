#include "braid/net/copy.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/fs/pipe.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/any_stream.hpp"
#include "braid/style/future.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "net/connection.hpp"
#include "net/pieces.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("copy: moves everything to the end and counts it", "[net][copy]") {
  IN_EVERY_STYLE(style);
  loop here;
  pieces from{{"one", "two", std::string(40'000, 'x'), "three"}};
  sink to;
  to.at_once = 5000;
  CHECK(style.wait(copy(from, to)).value() == 40'011);
  CHECK(to.got == "onetwo" + std::string(40'000, 'x') + "three");
  CHECK(style.wait(copy(from, to)).value() == 0);
}

TEST_CASE("copy: from a connection to a pipe to a connection", "[net][copy]") {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  auto [other, other_far] = connected_pair(any_style{});
  pipe_pair middle = pipe();
  std::string much, got(1 << 20, '?');
  for (std::size_t i = 0; i < got.size(); ++i) much += static_cast<char>(i * i % 251);
  const auto sends = [&]() -> task<> {
    co_await far.write_all(much);
    co_await far.shutdown_send();
  };
  const auto first = [&]() -> task<std::uint64_t> {
    const std::uint64_t size = co_await copy(near, middle.writer);
    co_await middle.writer.close();
    co_return size;
  };
  any_stream last = std::move(other);
  const auto [none, size, second, read] =
      here.run(when_all(sends, first, copy(middle.reader, last), other_far.read_exactly(got)));
  CHECK(size == much.size());
  CHECK(second == much.size());
  CHECK(got == much);
}

TEST_CASE("copy: an error says how much was written, and the progress what was read", "[net][copy]") {
  IN_EVERY_STYLE(style);
  loop here;
  copy_progress so_far;
  pieces from{{"abc", "defgh"}};
  sink to;
  to.most = 5;
  auto failed = style.wait(copy(from, to, so_far));
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == std::errc::no_space_on_device);
  CHECK(failed.error().transferred() == 5);
  CHECK(so_far.read == 8);
  CHECK(so_far.written == 5);
  pieces breaks{{"abc"}, error(std::errc::io_error)};
  to.most = 100;
  failed = style.wait(copy(breaks, to, so_far));
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == std::errc::io_error);
  CHECK(failed.error().transferred() == 3);
  CHECK(so_far.read == 3);
  CHECK(so_far.written == 3);
}

TEST_CASE("copy: a cancelled one has written all that it read, unless it was writing", "[net][copy][stop]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  loop here;
  auto [near, far] = connected_pair(style);
  auto [other, other_far] = connected_pair(style);
  std::string room(4, '?');
  copy_progress so_far;
  SECTION("while it waits for bytes") {
    auto copying = spawn(copy(near, other, so_far));
    CHECK(style.wait(far.write_all("word")));
    CHECK(style.wait(other_far.read_exactly(room)));
    copying.request_stop();
    const auto ended = style.wait(std::move(copying));
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::operation_canceled);
    CHECK(ended.error().transferred() == 4);
    CHECK(so_far.read == 4);
    CHECK(so_far.written == 4);
  }
  SECTION("while the other side takes nothing") {
    auto copying = spawn(copy(near, other, so_far));
    const std::string much(64 << 20, 'x');
    auto sending = spawn(far.write_all(much));
    for (std::uint64_t before = 1; before != so_far.read || before == 0;) {
      before = so_far.read;
      for (int turns = 0; turns < 100; ++turns) here.run(nop());
    }
    copying.request_stop();
    sending.request_stop();
    const auto ended = style.wait(std::move(copying));
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::operation_canceled);
    CHECK_FALSE(style.wait(std::move(sending)));
    CHECK(style.wait(other.shutdown_send()));
    sink rest;
    rest.at_once = 1 << 20;
    CHECK(style.wait(copy(other_far, rest)).value() == so_far.written);
    CHECK(ended.error().transferred() == so_far.written);
    CHECK(so_far.read >= so_far.written);
    CHECK(so_far.read - so_far.written <= 256 << 10);
  }
}

TEST_CASE("copy: can be cancelled at each await", "[net][copy][cancellation]") {
  const auto program = []() -> task<> {
    pieces from{{"abc", "defghi"}};
    sink to;
    const std::uint64_t size = co_await copy(from, to);
    if (size != 9) throw std::logic_error("another size");
  };
  CHECK(every_cancellation(program) >= 5);
}
