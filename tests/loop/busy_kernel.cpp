// A kernel that accepts no submissions for a while: io_uring_enter(2) fails with EAGAIN.

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <system_error>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "descriptors.hpp"

namespace {

thread_local int refusals = 0;  // the kernel refuses this many submissions of this thread

}  // namespace

// Replaces liburing's function, which the library calls in every turn.
extern "C" int io_uring_enter2(unsigned fd, unsigned to_submit, unsigned min_complete, unsigned flags,
                               sigset_t* extra, std::size_t size) {
  if (refusals > 0 && to_submit > 0) return --refusals, -EAGAIN;
  const long ended = ::syscall(__NR_io_uring_enter, fd, to_submit, min_complete, flags, extra, size);
  return ended < 0 ? -errno : static_cast<int>(ended);
}

using namespace braid;
using namespace braid_tests;

TEST_CASE("busy kernel: requests without room in the queue are submitted although nothing completes",
          "[loop][busy]") {
  const int refused = GENERATE(0, 1, 2, 3, 10);
  pipe_ends ends;
  std::array<char, 8> room{};
  int finished = 0;
  {
    const file silent = file::from_descriptor(ends.release_reader());
    loop here(loop_options{.entries = 2});
    refusals = refused;
    for (int i = 0; i < 5; ++i) start(silent.read_some(room), [&](result<std::size_t>) { ++finished; });
    run(nop());
    CHECK(finished == 0);
    refusals = 0;
  }
  CHECK(finished == 5);
}

TEST_CASE("busy kernel: stop requests to many operations allocate nothing", "[loop][busy]") {
  constexpr std::size_t many = 300;
  pipe_ends ends;
  std::array<char, 8> room{};
  const file silent = file::from_descriptor(ends.release_reader());
  loop here(loop_options{.entries = 2});
  std::vector<future<std::size_t>> reads;
  for (std::size_t n = 0; n < many; ++n) reads.push_back(spawn(silent.read_some(room)));
  run(nop());
  refusals = 1000;
  const allocation_count count;
  for (const auto& each : reads) each.request_stop();
  const std::size_t made = count.made();
  for (int turns = 0; turns < 3; ++turns) here.turn(false);
  refusals = 0;
  CHECK(made == 0);
  std::size_t cancelled = 0;
  for (auto& each : reads)
    cancelled += here.run(as_result(std::move(each))) == std::errc::operation_canceled ? 1 : 0;
  CHECK(cancelled == many);
}

TEST_CASE("busy kernel: the loop's end completes all operations as cancelled", "[loop][busy]") {
  const int refused = GENERATE(0, 1, 2, 3, 10);
  pipe_ends ends;
  std::array<char, 8> room{};
  std::vector<std::error_code> finished;
  {
    const file silent = file::from_descriptor(ends.release_reader());
    loop here(loop_options{.entries = 2});
    refusals = 1000;
    for (int i = 0; i < 5; ++i)
      start(silent.read_some(room), [&](result<std::size_t> r) { finished.push_back(r.error().code()); });
    refusals = refused;
  }
  refusals = 0;
  CHECK(finished == std::vector<std::error_code>(5, std::make_error_code(std::errc::operation_canceled)));
}
