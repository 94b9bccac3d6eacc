#include <algorithm>
#include <array>

#include "any_10000/race.hpp"
#include "pingpong/message.hpp"
#include "read_4k/block_file.hpp"
#include "timers_100k/crowd.hpp"
#include "workload.hpp"

namespace bench {
namespace {

std::uint64_t completions(std::uint64_t n) { return n; }
std::uint64_t thousand_each(std::uint64_t n) { return n * 1000; }
std::uint64_t sum_below(std::uint64_t n) { return n * (n - 1) / 2; }

constexpr std::array workloads{
    workload{"nop", "one io_uring NOP, one in flight", 1, 256, completions},
    workload{"nop32", "one io_uring NOP, 32 in flight", 32, 16384, completions},
    workload{"call", "wait for a trivial operation that returns its argument: 0, 1, 2 …", 1, 1024, sum_below},
    workload{"switch", "hand the turn to the other of two parties", 2, 256, completions},
    workload{"spawn", "start and finish a trivial task, drained every 4096", 4096, 4096, completions},
    workload{"then", "a link that adds one, on a ready future; chains of 1000", 1000, 1000, completions},
    workload{"then_pending", "a link that adds one, on a pending future; chains of 1000", 1000, 1000,
             completions},
    workload{"timer", "arm a timer of 1 ns and wait for it", 1, 256, completions},
    workload{"read_4k", "read 4 KiB of a cached file, one in flight", 1, 256, proof_of_reads},
    workload{"read_4k_32", "read 4 KiB of a cached file, 32 in flight", 32, 16384, proof_of_reads},
    workload{"pingpong", "64 bytes there and back over loopback TCP, both ends on one loop", 1, 256,
             proof_of_replies},
    workload{"pingpong_epoll", "the same where io_uring is forbidden: raw and all loops wait with epoll", 1,
             256, proof_of_replies},
    workload{"join_1000", "start 1000 NOPs and wait for all of them", 1, 8, thousand_each},
    workload{"any_10000", "one of 10,000 timers, of which one ends first, and the others are cancelled",
             race::runners, race::runners, proof_of_races},
    workload{"timers_100k", "one of 100,000 timers, of which half are cancelled, and half expire",
             crowd::size, crowd::size, proof_of_crowds},
    workload{"channel", "one number through a channel of 64 places, from one task to another", 1, 4096,
             sum_below},
    workload{"stream", "one number through transform, 32 at once in order, and vectors of 64", 64, 4096,
             sum_below},
    workload{"mutex", "lock a mutex that is free, and unlock it", 1, 1024, completions},
    workload{"mutex_queue", "one of 100,000 who wait for a mutex: get it, and unlock it", 100'000, 100'000,
             completions},
    workload{"task_local", "read a task_local whose value is ten tasks up", 1, 1024, completions},
};

}  // namespace

std::span<const workload> all_workloads() { return workloads; }

const workload* find_workload(std::string_view name) {
  const auto found = std::ranges::find(workloads, name, &workload::name);
  return found == workloads.end() ? nullptr : &*found;
}

}  // namespace bench
