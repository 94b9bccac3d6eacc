// A process that enters a sandbox after it has made its loop. The sandbox forbids the calls by which the loop
// waits.

#include <fcntl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "braid/fs/file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "seccomp.hpp"

namespace {

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::child_end;
using braid_tests::forbid;
using braid_tests::in_child;
using braid_tests::pipe_ends;

void forbid_waiting(unsigned code) {
  for (const unsigned call : {SYS_io_uring_enter, SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_pwait2})
    forbid(call, code);
}

bool failed_with(const result<std::size_t>& ended, unsigned code) {
  return !ended && ended.error().code() == std::error_code(static_cast<int>(code), std::generic_category());
}

TEST_CASE("sandbox: waiting operations end with the kernel's error", "[loop][sandbox]") {
  const unsigned code = GENERATE(unsigned(EPERM), unsigned(ENOSYS), unsigned(EINVAL));
  const int turns = GENERATE(0, 3);  // the reads have reached the kernel, or not yet
  const child_end ended = in_child([=] {
    loop home;
    pipe_ends ends;
    file reader = file::from_descriptor(ends.release_reader());
    std::array<std::array<char, 4>, 20> rooms{};
    std::vector<future<std::size_t>> reads;
    for (auto& room : rooms) reads.push_back(spawn(reader.read_some(room)));
    for (int n = 0; n < turns; ++n) home.turn(false);
    forbid_waiting(code);
    for (auto& each : reads)
      if (!failed_with(home.run(as_result(std::move(each))), code)) return 1;
    // Operations that begin later fail, too. Timers and other threads still work.
    if (!failed_with(home.run(as_result(reader.read_some(rooms[0]))), code)) return 2;
    home.run(sleep_for(2ms));
    bool posted = false;
    home.operations().expect_delivery();
    std::thread other([&] {
      home.post([&] {
        posted = true;
        home.operations().delivery_arrived();
      });
    });
    home.run();
    other.join();
    if (!posted) return 3;
    const int number = reader.number();
    home.run(reader.close());
    return ::fcntl(number, F_GETFD) < 0 ? 0 : 4;
  });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("sandbox: a loop with work in flight can end", "[loop][sandbox]") {
  const int turns = GENERATE(0, 3);
  const child_end ended = in_child([=] {
    pipe_ends ends;
    file reader = file::from_descriptor(ends.release_reader());
    std::array<char, 4> room{};
    bool finished = false;
    {
      loop home;
      start(reader.read_some(room), [&](result<std::size_t> r) { finished = !r; });
      for (int n = 0; n < turns; ++n) home.turn(false);
      forbid_waiting(EPERM);
    }
    return finished ? 0 : 1;
  });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 0);
}

}  // namespace
