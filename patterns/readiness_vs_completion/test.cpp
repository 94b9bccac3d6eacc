#include "versions.hpp"

#include <fcntl.h>
#include <sys/uio.h>

#include <cerrno>
#include <future>
#include <string>
#include <vector>

#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>

#include "busy_pool.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "stage/temporary_folder.hpp"

using namespace readiness_vs_completion;
using stage::style;
namespace views = ranges::views;

namespace {

constexpr unsigned pieces = 32;

struct shelf_in_folder {
  shelf_in_folder() { shelf::make(path, pieces); }
  const stage::temporary_folder folder;
  const std::filesystem::path path = folder.path() / "shelf";
};

// True if a read of these bytes would return at once, without a thread. Asks the file system, not braid.
bool is_in_memory(const shelf& of) {
  std::vector<char> room(pieces * sizeof(piece));
  const iovec part{room.data(), room.size()};
  return ::preadv2(of.file().number(), &part, 1, 0, RWF_NOWAIT) == static_cast<ssize_t>(room.size());
}

task<> a_hundred_turns() {
  for (int n = 0; n < 100; ++n) co_await nop();  // each of them goes once through the reactor
}

// Reads all pieces at once; true if each is the right one.
task<bool> read_all(const shelf& from) {
  std::vector<piece> rooms(pieces);
  co_await when_all(views::iota(0u, pieces) |
                    views::transform([&](unsigned number) { return from.read(number, rooms[number]); }));
  for (unsigned number = 0; number < pieces; ++number)
    if (rooms[number] != piece_of(number)) co_return false;
  co_return true;
}

// The reactor's system calls for reading all pieces at once from the page cache.
std::size_t calls_to_read_all(backend which, const shelf& from) {
  loop here({.backend = which});
  REQUIRE(here.run(read_all(from)));
  const std::size_t before = here.system_calls();
  REQUIRE(here.run(read_all(from)));
  return here.system_calls() - before;
}

}  // namespace

TEST_CASE("readiness_vs_completion: every style gives the same answers in order on both reactors",
          "[readiness_vs_completion]") {
  const style how = GENERATE(from_range(stage::every_style));
  const backend which = GENERATE(from_range(every_reactor));
  const bool cold = GENERATE(false, true);
  CAPTURE(name_of(how), name_of(which), cold);
  const shelf_in_folder files;
  loop here({.backend = which});
  CHECK(here.reactor_name() == name_of(which));
  const shelf from(files.path);
  if (cold) from.cool();

  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  const visitors who{.many = 5, .questions = 20, .under_way = 4, .pieces = pieces};
  auto visiting = std::async(std::launch::async, [&] { run(visit_all(door.local_endpoint(), who)); });
  serve(how, door, from, who);
  CHECK_NOTHROW(visiting.get());  // each has compared every answer
  here.run();
  CHECK_FALSE(here.has_work());
}

TEST_CASE("readiness_vs_completion: a failure is the same on both reactors",
          "[readiness_vs_completion]") {
  const backend which = GENERATE(from_range(every_reactor));
  CAPTURE(name_of(which));
  const shelf_in_folder files;
  loop here({.backend = which});
  const shelf from(files.path);
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  const endpoint at = door.local_endpoint();

  const auto failure_of = [&](const question* asked, style how) {
    const auto leaves = [&]() -> task<> {
      tcp::stream desk = co_await tcp::connect(at);
      if (asked != nullptr) co_await desk.write_all(*asked);
    };
    const auto serves = [&]() -> task<> {
      tcp::stream visitor = co_await door.accept();
      visit one{std::move(visitor), from};
      co_await answer(how, one);
    };
    return std::get<1>(here.run(when_all_settled(leaves, serves))).error();
  };
  const style how = GENERATE(style::callback, style::future, style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  CHECK(failure_of(nullptr, how) == errc::end_of_stream);
  const question of_none = question_of(pieces);
  CHECK(failure_of(&of_none, how).message() == "shelf::read: End of stream");
  CHECK(here.run(as_result(read_file("/none/such"))).error() == std::errc::no_such_file_or_directory);
}

TEST_CASE("readiness_vs_completion: io_uring opens and reads a file while no thread is free",
          "[readiness_vs_completion]") {
  const shelf_in_folder files;
  loop here({.backend = backend::uring});
  braid_tests::busy_pool pool;
  const shelf from(files.path);
  from.cool();
  CHECK(here.run(read_all(from)));
  CHECK(here.run(read_file(files.path)).size() == pieces * sizeof(piece));
  pool.let_go();
}

TEST_CASE("readiness_vs_completion: on epoll opening a file needs a thread, because a file is always ready",
          "[readiness_vs_completion]") {
  const shelf_in_folder files;
  loop here({.backend = backend::epoll});
  braid_tests::busy_pool pool;
  future<std::string> reading = spawn(read_file(files.path));
  here.run(a_hundred_turns);
  CHECK_FALSE(reading.is_ready());
  pool.let_go();
  CHECK(here.run(std::move(reading)).size() == pieces * sizeof(piece));
}

TEST_CASE("readiness_vs_completion: on epoll a read from the page cache needs no thread",
          "[readiness_vs_completion]") {
  const shelf_in_folder files;
  loop here({.backend = backend::epoll});
  const shelf from(files.path);
  braid_tests::busy_pool pool;
  future<bool> reading = spawn(read_all(from));
  here.run(a_hundred_turns);
  if (is_in_memory(from)) CHECK(reading.is_ready());  // else the file system does not support the question
  pool.let_go();
  CHECK(here.run(std::move(reading)));
}

TEST_CASE("readiness_vs_completion: epoll makes a call for each read, io_uring a few for all",
          "[readiness_vs_completion]") {
  const shelf_in_folder files;
  const shelf from(files.path);
  CHECK(calls_to_read_all(backend::epoll, from) >= pieces);
  CHECK(calls_to_read_all(backend::uring, from) < pieces / 2);
}

TEST_CASE("readiness_vs_completion: many network waits start in one call, or are asked one by one",
          "[readiness_vs_completion]") {
  constexpr unsigned many = 16;
  const auto calls_to_wait = [](backend which) {
    loop here({.backend = which});
    const tcp::listener door = tcp::listen_now(endpoint::loopback());
    std::vector<tcp::stream> theirs, ours;
    for (unsigned n = 0; n < many; ++n) {
      auto [mine, other] = here.run(when_all(tcp::connect(door.local_endpoint()), door.accept()));
      theirs.push_back(std::move(mine));
      ours.push_back(std::move(other));
    }
    std::vector<question> rooms(many);
    const std::size_t before = here.system_calls();
    std::vector<future<void>> waiting;
    for (unsigned n = 0; n < many; ++n) waiting.push_back(spawn(ours[n].read_exactly(rooms[n])));
    here.turn(false);
    here.turn(false);
    const std::size_t calls = here.system_calls() - before;
    const question asked = question_of(7);
    for (const tcp::stream& each : theirs) here.run(each.write_all(asked));
    here.run(when_all(std::move(waiting)));
    CHECK(std::all_of(rooms.begin(), rooms.end(), [&](question each) { return each == asked; }));
    return calls;
  };
  CHECK(calls_to_wait(backend::epoll) >= many);
  CHECK(calls_to_wait(backend::uring) < many / 2);
}

TEST_CASE("readiness_vs_completion: a coroutine and a fiber can be stopped at every await",
          "[readiness_vs_completion][stop]") {
  const style how = GENERATE(style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  const shelf_in_folder files;
  const std::size_t suspensions = braid_tests::every_cancellation_with_memory([&]() -> task<> {
    const shelf from(files.path);
    const tcp::listener door = tcp::listen_now(endpoint::loopback());
    const visitors who{.many = 1, .questions = 2, .under_way = 2, .pieces = pieces};
    const auto serving = [&]() -> task<> {
      tcp::stream visitor = co_await door.accept();
      visit at{std::move(visitor), from};
      for (unsigned n = 0; n < who.questions; ++n) co_await answer(how, at);
    };
    co_await when_all(serving, visit_all(door.local_endpoint(), who));
  });
  CHECK(suspensions > 5);
}
