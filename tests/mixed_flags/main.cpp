// Works together with a unit and a library that were compiled with other flags: everything must work, and no
// sanitizer may report anything.

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <thread>
#include <vector>

#include "operations.hpp"

using namespace braid;

namespace {

bool all_well = true;

void expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "mixed_flags: %s\n", what);
  all_well = false;
}

void frames_and_boxes(loop& here) {
  int ended = 0;
  mixed_flags::start_elsewhere(ended);
  mixed_flags::start_here(ended);
  for (int i = 0; i < 50; ++i) {
    const int sum = here.run([]() -> task<int> {
      const int mine = co_await mixed_flags::later(1);
      co_return mine + co_await mixed_flags::later_elsewhere(1);
    });
    auto chained = spawn(mixed_flags::later_elsewhere(1)).then([](int n) { return n + 1; });
    expect(sum == 2 && here.run(std::move(chained)) == 2, "a task's value was lost");
  }
  here.run();
  expect(ended == 102, "a handler did not run");
}

void reads(loop& here) {
  int ends[2];
  expect(::pipe2(ends, O_CLOEXEC) == 0, "no pipe");
  file from = file::from_descriptor(ends[0]);
  file to = file::from_descriptor(ends[1]);
  std::array<char, 64> room{};
  here.run(when_all(from.read_some(room), [&]() -> task<> {
    co_await yield();
    co_await to.write_all("pipe");
  }));
  expect(std::strcmp(room.data(), "pipe") == 0, "the pipe's bytes did not arrive");

  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  here.run(when_all(
      [&]() -> task<> {
        tcp::stream peer = co_await door.accept();
        (void)co_await peer.read_some(room);
      },
      [&]() -> task<> {
        tcp::stream peer = co_await tcp::connect(door.local_endpoint());
        co_await peer.write_all("sock");
      }));
  expect(std::strcmp(room.data(), "sock") == 0, "the socket's bytes did not arrive");

  const file zero = here.run(open_file("/dev/zero"));
  expect(here.run(zero.read_some(room)) == room.size() && room[0] == 0, "the file's bytes did not arrive");
}

int deep(int levels) {
  std::array<char, 300> room{};
  room[static_cast<std::size_t>(levels)] = 1;
  return levels == 0 ? room[0] : deep(levels - 1) + room[static_cast<std::size_t>(levels)];
}

// Fibers that end, fail, or are destroyed by their loop's end. Their thread unmaps the stacks, and stacks and
// heaps of later threads come to lie in the same place.
void fibers(std::size_t stack_bytes) {
  loop here(loop_options{.fiber_stack_bytes = stack_bytes});
  for (int i = 0; i < 60; ++i) {
    auto one = spawn(in_fiber([i] {
      await(yield());
      const int sum = deep(20);
      if (i % 3 == 0) throw std::runtime_error("a third fails");
      return sum;
    }));
    start(std::move(one), [](result<int>) {});
  }
  auto last = spawn(in_fiber([] { return await(mixed_flags::later_elsewhere(deep(20))); }));
  expect(here.run(std::move(last)) == 21, "a fiber's value was lost");
}

}  // namespace

int main() {
  {
    loop here;
    for (int round = 0; round < 3; ++round) {
      frames_and_boxes(here);
      reads(here);
    }
  }
  for (std::size_t round = 0; round < 8; ++round) {
    std::vector<std::thread> all;
    for (std::size_t n = 0; n < 3; ++n)
      all.emplace_back(fibers, (std::size_t{64} << 10) * (1 + (round + n) % 3));
    for (auto& each : all) each.join();
  }
  return all_well ? 0 : 1;
}
