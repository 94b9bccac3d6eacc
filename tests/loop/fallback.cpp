// backend::automatic where io_uring is forbidden. Containers forbid it by a seccomp filter, as these tests do
// in a child process.

#include <sys/syscall.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "scratch_folder.hpp"
#include "seccomp.hpp"

namespace {

using namespace braid;
using braid_tests::child_end;
using braid_tests::contains;
using braid_tests::forbid;
using braid_tests::in_child;

// Runs f in a child without io_uring, with the backend `automatic` whatever this process uses.
template <class F>
child_end in_container(unsigned code, F f, const char* quiet = nullptr) {
  return in_child([&] {
    ::setenv("BRAID_BACKEND", "auto", 1);
    ::unsetenv("BRAID_QUIET");
    if (quiet != nullptr) ::setenv("BRAID_QUIET", quiet, 1);
    forbid(SYS_io_uring_setup, code);
    return f();
  });
}

std::size_t lines_of(const std::string& text) {
  std::size_t count = 0;
  for (const char each : text) count += each == '\n';
  return count;
}

TEST_CASE("loop: backend::automatic runs on epoll if io_uring is refused", "[loop][fallback]") {
  // A separate program, since it starts threads. It uses files, sockets, timers, wake-ups and another
  // thread's loop.
  const int code = GENERATE(ENOSYS, EPERM, EACCES, ENOMEM);
  const braid_tests::scratch_folder folder;
  const child_end ended = braid_tests::run_program(braid_tests::crash_program("without_io_uring"),
                                                   {std::to_string(code), (folder / "file").string()},
                                                   {"BRAID_BACKEND=auto", "BRAID_QUIET=0"});
  INFO(ended.errors);
  CHECK(ended.exit_status() == 0);
  CHECK(ended.output == "");
  CHECK(lines_of(ended.errors) == 1);  // one line, although the program makes several loops
  CHECK_THAT(ended.errors, contains("braid: loops run on epoll: io_uring is refused: "));
  CHECK_THAT(ended.errors, contains("BRAID_QUIET=1"));
}

TEST_CASE("loop: without threads the operations that need one fail, and all others work",
          "[loop][fallback]") {
  const std::string backend = GENERATE("BRAID_BACKEND=epoll", "BRAID_BACKEND=auto");
  const braid_tests::scratch_folder folder;
  const child_end ended = braid_tests::run_program(braid_tests::crash_program("without_threads"),
                                                   {(folder / "file").string()}, {backend});
  INFO(backend << ' ' << ended.errors);
  CHECK(ended.exit_status() == 0);
}

// The kernel ends a request that it finds no thread for as cancelled, although no stop was requested.
TEST_CASE("loop: a file operation for which the kernel has no thread runs on the pool, or is a clear error",
          "[loop][fallback]") {
  const std::string backend = GENERATE("BRAID_BACKEND=epoll", "BRAID_BACKEND=auto");
  const std::string pool = GENERATE("pool", "none");
  const braid_tests::scratch_folder folder;
  const child_end ended = braid_tests::run_program(braid_tests::crash_program("without_workers"),
                                                   {folder.path().string(), pool}, {backend});
  INFO(backend << ' ' << pool << ' ' << ended.errors);
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("loop: on Linux 5.10 an uncached read is no end of the file, and timers are precise",
          "[loop][fallback]") {
  const braid_tests::scratch_folder folder;
  const child_end ended = braid_tests::run_program(braid_tests::crash_program("linux_5_10"),
                                                   {(folder / "file").string()}, {"BRAID_BACKEND=epoll"});
  INFO(ended.errors);
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("loop: the line about the fallback gives cause and remedy", "[loop][fallback]") {
  const auto line = [](unsigned code) { return in_container(code, [] { run(nop()); }).errors; };
  CHECK_THAT(line(ENOSYS), contains("the kernel has no io_uring, or a seccomp filter hides it"));
  CHECK_THAT(line(ENOSYS), contains("use Linux 5.19 or newer"));
  CHECK_THAT(line(EPERM), contains("seccomp profile allow io_uring_setup"));
  CHECK_THAT(line(ENOMEM), contains("raise RLIMIT_MEMLOCK"));
}

TEST_CASE("loop: the line about the fallback is printed once per process", "[loop][fallback]") {
  const child_end ended = in_container(EPERM, [] {
    for (int n = 0; n < 3; ++n) run(nop());
  });
  CHECK(ended.exit_status() == 0);
  CHECK(lines_of(ended.errors) == 1);
}

TEST_CASE("loop: BRAID_QUIET=1 silences that line; only 0 and 1 are accepted", "[loop][fallback]") {
  const auto with = [](const char* word) { return in_container(EPERM, [] { run(nop()); }, word); };
  CHECK(with("1").exit_status() == 0);
  CHECK(with("1").errors == "");
  CHECK(lines_of(with("0").errors) == 1);
  const child_end refused = with("yes");
  CHECK(refused.exit_status() == braid_tests::threw);
  CHECK_THAT(refused.errors, contains("BRAID_QUIET is 'yes'; it takes 0 or 1"));
}

TEST_CASE("loop: backend::uring does not fall back", "[loop][fallback]") {
  const auto made = [](const loop_options& options, const char* word) {
    return in_container(EPERM, [&] {
      ::setenv("BRAID_BACKEND", word, 1);
      loop home(options);
      std::puts(home.reactor_name());
    });
  };
  const child_end by_program = made({.backend = backend::uring}, "auto");
  CHECK(by_program.exit_status() == braid_tests::threw);
  CHECK_THAT(by_program.errors, contains("loop: io_uring: a seccomp filter"));
  const child_end by_environment = made({}, "uring");
  CHECK(by_environment.exit_status() == braid_tests::threw);
  CHECK_THAT(by_environment.errors, contains("loop: io_uring: a seccomp filter"));
  const child_end epoll = made({}, "epoll");
  CHECK(epoll.output == "epoll\n");
  CHECK(epoll.errors == "");  // no fallback: the program asked for epoll
}

TEST_CASE("loop: an error that epoll would share does not cause a fallback", "[loop][fallback]") {
  const unsigned code = GENERATE(unsigned{EMFILE}, unsigned{ENFILE});
  const child_end ended = in_container(code, [] {
    try {
      loop home;
    } catch (const std::system_error& refused) {
      return refused.code().value();
    }
    return 0;
  });
  CHECK(ended.exit_status() == static_cast<int>(code));
  CHECK(ended.errors == "");
  CHECK_THROWS_AS(loop({.backend = backend::automatic, .entries = 0}), std::system_error);
  CHECK_THROWS_AS(loop({.backend = backend::epoll, .entries = 0}), std::system_error);
  CHECK_THROWS_AS(loop({.backend = backend::epoll, .entries = 32769}), std::system_error);
}

TEST_CASE("loop: falls back on a kernel whose io_uring cannot be probed", "[loop][fallback]") {
  const child_end ended = in_child([] {
    ::setenv("BRAID_BACKEND", "auto", 1);
    ::unsetenv("BRAID_QUIET");
    forbid(SYS_io_uring_register, EPERM);
    loop home;
    std::puts(home.reactor_name());
    home.run(nop());
  });
  CHECK(ended.exit_status() == 0);
  CHECK(ended.output == "epoll\n");
  CHECK(lines_of(ended.errors) == 1);
}

TEST_CASE("loop: timers on epoll are exact and never early, also without epoll_pwait2", "[loop][fallback]") {
  const unsigned code = GENERATE(unsigned{ENOSYS}, unsigned{EPERM});
  const child_end ended = in_child([code] {
    loop home({.backend = backend::epoll});
    forbid(441, code);  // epoll_pwait2
    for (int n = 0; n < 5; ++n) {
      const auto before = loop_clock::now();
      home.run(sleep_for(std::chrono::microseconds(300)));
      if (loop_clock::now() - before < std::chrono::microseconds(300)) return 1;
    }
    return 0;
  });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 0);
}

}  // namespace
