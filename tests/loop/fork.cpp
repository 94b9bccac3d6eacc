#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/after_fork.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "scratch_folder.hpp"

// A forked child has a copy of its parent's loop. Whatever the child does with it, the parent's reads go on.

namespace {

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::child_end;
using braid_tests::contains;
using braid_tests::in_child;
using braid_tests::pipe_ends;

// A loop with a waiting read; goes_on() checks that it still works.
struct reading_loop {
  loop home;
  pipe_ends ends;
  std::optional<file> reader{file::from_descriptor(ends.release_reader())};
  std::array<char, 4> room{};
  future<std::size_t> read = spawn(reader->read_some(room));

  reading_loop() {
    for (int n = 0; n < 3; ++n) home.turn(false);
  }
  void goes_on() {
    CHECK(::write(ends.writer(), "ping", 4) == 4);
    CHECK(home.run(std::move(read)) == 4);
    CHECK(std::string(room.data(), 4) == "ping");
  }
};

TEST_CASE("fork: a child that destroys its copies of descriptors and loops does the parent no harm",
          "[loop][fork]") {
  const int how = GENERATE(0, 1, 2, 3);
  auto here = std::make_unique<reading_loop>();
  const child_end ended = in_child([&] {
    if (how == 0) here->reader.reset();
    if (how == 1) ::close(here->reader->number());
    if (how == 2) here->home.~loop();
    if (how == 3) {
      here->reader.reset();
      here->home.~loop();
    }
    return 3;
  });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 3);
  here->goes_on();
}

TEST_CASE("fork: a child that uses the parent's loop gets an exception", "[loop][fork]") {
  reading_loop here;
  const child_end ended = in_child([&] {
    int failures = 0;
    const auto fails = [&](auto call) {
      try {
        call();
      } catch (const std::logic_error& e) {
        ++failures;
        std::puts(e.what());
      }
    };
    fails([&] { here.home.run(sleep_for(1ms)); });
    fails([&] { here.home.run(); });
    fails([&] { here.home.post([] {}); });
    fails([] { (void)loop::current("somebody"); });
    return failures;
  });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 4);
  CHECK_THAT(ended.output, contains("this loop belongs to the parent process"));
  here.goes_on();
}

TEST_CASE("fork: a child makes loops of its own, on which inherited descriptors work", "[loop][fork]") {
  reading_loop here;
  const child_end ended = in_child([&] {
    run(sleep_for(1ms));
    loop mine;
    if (mine.run(offload([] { return 41; })) != 41) return 1;
    pipe_ends ends;
    file writer = file::from_descriptor(ends.release_writer());
    file reader = file::from_descriptor(ends.release_reader());
    mine.run(writer.write_all(std::string("mine")));
    std::string room(4, '?');
    mine.run(reader.read_exactly(room));
    if (room != "mine") return 2;
    mine.run(here.reader->close());
    std::thread([] { run(nop()); }).join();
    return 0;
  });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 0);
  here.goes_on();
}

TEST_CASE("fork: works in a grandchild, and while other threads have loops", "[loop][fork]") {
  reading_loop here;
  pipe_ends until;
  std::thread other([&] {
    loop theirs;
    file reader = file::from_descriptor(until.release_reader());
    std::array<char, 1> room{};
    theirs.run(reader.read_some(room));
  });
  const child_end ended = in_child([&] {
    loop mine;
    const child_end grandchild = in_child([] {
      run(nop());
      return 5;
    });
    mine.run(sleep_for(1ms));
    return grandchild.exit_status();
  });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 5);
  here.goes_on();
  CHECK(::write(until.writer(), "x", 1) == 1);
  other.join();
}

// A static loop, for example: the child's exit destroys it, although the thread that made it does not exist
// there.
TEST_CASE("fork: a child can destroy a loop that another thread was running", "[loop][fork]") {
  reading_loop here;
  pipe_ends until;
  std::optional<loop> theirs;
  std::atomic<bool> made = false;
  std::thread other([&] {
    theirs.emplace();
    file reader = file::from_descriptor(until.release_reader());
    std::array<char, 1> room{};
    detach(sleep_for(1h));
    made = true;
    made.notify_one();
    theirs->run(reader.read_some(room));
    theirs.reset();
  });
  made.wait(false);
  const child_end ended = in_child([&] {
    theirs.reset();
    return 6;
  });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 6);
  CHECK(::write(until.writer(), "x", 1) == 1);
  other.join();
  here.goes_on();
}

// [report_in_child]
// Writes the report while the caller's loop goes on: the child has a loop of its own for the call.
pid_t report_in_child(const std::string& path, const std::string& report) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  run(write_file(path, report));
  ::_exit(0);
}
// [/report_in_child]

TEST_CASE("fork: a child can do the parent's work on a loop of its own", "[loop][fork]") {
  reading_loop here;
  const braid_tests::scratch_folder folder;
  const std::string path = (folder / "report").string();
  const pid_t child = report_in_child(path, "all is well");
  REQUIRE(child > 0);
  while (::waitpid(child, nullptr, 0) < 0) {}
  CHECK(here.home.run(read_file(path)) == "all is well");
  here.goes_on();
}

// Forks in the middle of a turn, when a request completes.
task<int> fork_in_a_turn() {
  co_await nop();
  const pid_t child = ::fork();
  if (child == 0) co_return -1;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {}
  co_return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST_CASE("fork: a child's copy of a task may return", "[loop][fork]") {
  reading_loop here;
  const int seen = here.home.run(fork_in_a_turn());
  if (seen < 0) ::_exit(7);
  CHECK(seen == 7);
  here.goes_on();
}

TEST_CASE("fork: a child's copy of a task cannot await", "[loop][fork]") {
  reading_loop here;
  const auto forks = []() -> task<int> {
    const int seen = co_await fork_in_a_turn();
    if (seen >= 0) co_return seen;
    try {
      co_await sleep_for(1ms);
    } catch (const std::logic_error&) {
      co_return -8;
    }
    co_return -9;
  };
  const int seen = here.home.run(forks());
  if (seen < 0) ::_exit(-seen);
  CHECK(seen == 8);
  here.goes_on();
}

TEST_CASE("fork: a child that returns into the parent's loop aborts with a message", "[loop][fork]") {
  reading_loop here;
  const child_end ended = in_child([] {
    loop home;
    int seen = 0;
    const auto forks = [&]() -> task<> {
      seen = co_await fork_in_a_turn();
      if (seen < 0) co_return;
      std::printf("seen %d\n", seen);
    };
    detach(forks());
    home.run(sleep_for(5ms));
    return 0;
  });
  CHECK(ended.exit_status() == 0);
  CHECK_THAT(ended.output, contains("seen " + std::to_string(1000 + SIGABRT)));
  CHECK_THAT(ended.errors, contains("a loop of the parent process is used in a forked child"));
  here.goes_on();
}

// Makes a child without the C library's fork handlers: only after_fork tells braid about it.
template <class F>
int exit_status_of_unknown_child(bool by_system_call, F f) {
  std::fflush(nullptr);
  const auto child =
      by_system_call ? static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) : ::_Fork();
  if (child == 0) {
    int code = braid_tests::threw;
    try {
      after_fork();
      code = f();
    } catch (...) {}
    ::_exit(code);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST_CASE("after_fork: does in a child of clone or _Fork what fork does by itself", "[loop][fork]") {
  const bool by_system_call = GENERATE(true, false);
  const auto here = std::make_unique<reading_loop>();
  detach(sleep_for(1h));
  CHECK(here->home.run(offload([] { return 1; })) == 1);  // makes a thread, which the child does not have
  const int status = exit_status_of_unknown_child(by_system_call, [&] {
    if (loop::current_or_null() != nullptr) return 1;
    after_fork();  // a second call does nothing
    try {
      here->home.post([] {});
      return 2;
    } catch (const std::logic_error&) {}
    run(sleep_for(1ms));
    {
      loop mine;
      if (mine.run(offload([] { return 41; })) != 41) return 3;
      after_fork();
      mine.run(here->reader->close());
      if (mine.run(offload([] { return run(offload([] { return 42; })); })) != 42) return 4;
    }
    here->home.~loop();
    return 40;
  });
  CHECK(status == 40);
  CHECK(here->home.run(offload([] { return 2; })) == 2);
  here->goes_on();
}

TEST_CASE("after_fork: works in a child of a child that made no loop", "[loop][fork]") {
  const bool by_system_call = GENERATE(true, false);
  reading_loop here;
  const int status = exit_status_of_unknown_child(by_system_call, [&] {
    const child_end grandchild = in_child([] {
      run(nop());
      loop mine;
      return mine.run(offload([] { return 43; }));
    });
    loop mine;
    mine.run(sleep_for(1ms));
    return grandchild.exit_status();
  });
  CHECK(status == 43);
  here.goes_on();
}

TEST_CASE("after_fork: works on a thread of the pool and while other threads are busy", "[loop][fork]") {
  const bool by_system_call = GENERATE(true, false);
  reading_loop here;
  pipe_ends until;
  auto busy = spawn(offload([&] {
    char byte = 0;
    return ::read(until.reader(), &byte, 1);
  }));
  const int status = here.home.run(offload([&] {
    return exit_status_of_unknown_child(by_system_call, [] { return run(offload([] { return 44; })); });
  }));
  CHECK(status == 44);
  CHECK(exit_status_of_unknown_child(by_system_call, [] { return run(offload([] { return 45; })); }) == 45);
  CHECK(::write(until.writer(), "x", 1) == 1);
  CHECK(here.home.run(std::move(busy)) == 1);
  here.goes_on();
}

TEST_CASE("after_fork: does nothing in the process that made the loops", "[loop][fork]") {
  reading_loop here;
  after_fork();
  CHECK(loop::current_or_null() == &here.home);
  here.goes_on();
}

}  // namespace
