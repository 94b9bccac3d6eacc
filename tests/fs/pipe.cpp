#include "braid/fs/pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/fs/borrowed_file.hpp"
#include "braid/loop/nop.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/future.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

// More than fits into a pipe, to the other end, which then sees the end.
task<> through_a_pipe() {
  auto [reader, writer] = pipe();
  std::string much, got(200'000, '?');
  for (std::size_t i = 0; i < got.size(); ++i) much += static_cast<char>(i % 251);
  auto both = when_all(writer.write_all(much), reader.read_exactly(got));
  co_await std::move(both);
  if (got != much) throw std::logic_error("other bytes");
  co_await writer.write_all("last");
  co_await writer.close();
  const std::size_t size = co_await reader.read_some(got);
  const std::size_t end = co_await reader.read_some(got);
  if (size != 4 || end != 0) throw std::logic_error("not the end");
}

// Writes to a pipe without a reader.
task<> to_nobody() {
  auto [reader, writer] = pipe();
  co_await reader.close();
  co_await writer.write_all("lost");
}

bool is_nonblocking(int number) { return (::fcntl(number, F_GETFL) & O_NONBLOCK) != 0; }

// A terminal: what is written to `outer` is read from `inner`, and the other way round.
struct terminal {
  terminal() {
    outer = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE((outer >= 0 && ::grantpt(outer) == 0 && ::unlockpt(outer) == 0));
    inner = ::open(::ptsname(outer), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(inner >= 0);
  }
  ~terminal() {
    ::close(inner);
    ::close(outer);
  }
  int outer, inner;
};

// Puts another descriptor in a standard stream's place.
class in_place_of {
 public:
  in_place_of(int number, int other) : number_(number), kept_(::dup(number)) { ::dup2(other, number); }
  ~in_place_of() {
    ::dup2(kept_, number_);
    ::close(kept_);
  }

 private:
  int number_, kept_;
};

}  // namespace

TEST_CASE("pipe: carries bytes to the other end, in order, then the end", "[fs][pipe]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  CHECK(style.wait(through_a_pipe));
  CHECK(style.wait(to_nobody).error() == std::errc::broken_pipe);
  CHECK(open_descriptors() == before);
}

TEST_CASE("pipe: on a simulated host", "[fs][pipe][sim]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim::world in(seed);
    in.faults().add({.what = sim::fault::short_write, .probability = 0.3});
    in.faults().add({.what = sim::fault::short_read, .probability = 0.3});
    in.run_on(in.add_host("one"), []() -> task<> {
      co_await through_a_pipe();
      const auto failed = co_await as_result(to_nobody());
      CHECK(failed.error() == std::errc::broken_pipe);
      const borrowed_file none = standard_input();
      std::string room(1, '?');
      const auto read = co_await as_result(none.read_some(room));
      CHECK(read.error() == std::errc::bad_file_descriptor);
    }());
  }
}

TEST_CASE("pipe: without descriptors it throws and names the call", "[fs][pipe]") {
  sim::world in(1);
  in.run_on(in.add_host("few", {.most_descriptors = 1}), []() -> task<> {
    try {
      (void)pipe();
      FAIL("there was one descriptor");
    } catch (const std::system_error& failed) {
      CHECK(failed.code() == std::errc::too_many_files_open);
      CHECK_THAT(failed.what(), contains("pipe"));
    }
    co_return;
  }());
}

TEST_CASE("pipe: can be cancelled at each await", "[fs][pipe][cancellation]") {
  CHECK(every_cancellation_with_memory(through_a_pipe) >= 3);
}

TEST_CASE("standard streams: are a pipe, a file or a terminal, keep their mode and stay open",
          "[fs][borrowed_file]") {
  IN_EVERY_STYLE(style);
  loop here;
  std::string room(5, '?');
  SECTION("a pipe") {
    auto [reader, writer] = pipe();
    const in_place_of input(0, reader.number());
    {
      const borrowed_file from = standard_input(), to(writer.number());
      CHECK(style.wait(to.write_all("hello")));
      CHECK(style.wait(from.read_exactly(room)));
      CHECK(room == "hello");
      auto waiting = spawn(from.read_some(room));
      for (int turns = 0; turns < 5; ++turns) here.run(nop());
      waiting.request_stop();
      CHECK(style.wait(std::move(waiting)).error() == std::errc::operation_canceled);
    }
    CHECK_FALSE(is_nonblocking(0));
    CHECK_FALSE(is_nonblocking(writer.number()));
    REQUIRE(::write(writer.number(), "again", 5) == 5);
    CHECK(style.wait(standard_input().read_exactly(room)));
    CHECK(room == "again");
  }
  SECTION("a file") {
    const scratch_folder folder;
    const std::string path = folder / "file";
    const int number = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(number >= 0);
    {
      const in_place_of input(0, number);
      CHECK(style.wait(borrowed_file(0).write_all("hello")));
      REQUIRE(::lseek(0, 0, SEEK_SET) == 0);
      const borrowed_file from = standard_input();
      CHECK(style.wait(from.read_exactly(room)));
      CHECK(room == "hello");
      CHECK(style.wait(from.read_some(room)).value() == 0);
      CHECK_FALSE(is_nonblocking(0));
    }
    CHECK(::close(number) == 0);
  }
  SECTION("a terminal") {
    const terminal ends;
    const in_place_of input(0, ends.inner);
    const borrowed_file from = standard_input(), to(0);
    CHECK(style.wait(to.write_all("hello")));
    CHECK(style.wait(borrowed_file(ends.outer).read_exactly(room)));
    CHECK(room == "hello");
    auto waiting = spawn(from.read_some(room));
    for (int turns = 0; turns < 5; ++turns) here.run(nop());
    CHECK_FALSE(waiting.is_ready());
    REQUIRE(::write(ends.outer, "line\n", 5) == 5);
    CHECK(style.wait(std::move(waiting)).value() == 5);
    CHECK(room == "line\n");
    CHECK_FALSE(is_nonblocking(0));
  }
  CHECK(standard_output().number() == 1);
  CHECK(standard_error().number() == 2);
}
