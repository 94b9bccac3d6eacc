#include "braid/base/detail/frame_pool.hpp"

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <set>
#include <thread>
#include <vector>

#include "allocations.hpp"
#include "catch.hpp"

namespace {

using braid::detail::frame_pool;
using braid_tests::allocation_count;
using braid_tests::allocations_alive;
using braid_tests::counts_allocations;

// Sizes on both sides of every border between two size classes.
constexpr std::size_t sizes[] = {0,    1,    8,    9,    24,   25,      32,      33,      63,
                                 64,   65,   127,  128,  1000, 2040,    2041,    2048,    2049,
                                 2056, 2057, 4096, 4097, 8192, 100'000, 1 << 20, 1 << 21, (1 << 21) + 1};

TEST_CASE("frame_pool: a block is as large as it was asked to be", "[base][frame_pool]") {
  for (const std::size_t size : sizes) {
    std::vector<void*> blocks;
    for (int n = 0; n < 3; ++n) {
      void* block = frame_pool::allocate(size);
      CHECK(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) == 0);
      std::memset(block, 0xA5, size);  // AddressSanitizer reports a write past the end
      blocks.push_back(block);
    }
    CHECK(std::set<void*>(blocks.begin(), blocks.end()).size() == 3);
    for (void* each : blocks) frame_pool::deallocate(each, size);
  }
}

TEST_CASE("frame_pool: an aligned block is aligned, recycled or not", "[base][frame_pool]") {
  for (const std::size_t alignment : {16, 32, 64, 128, 4096}) {
    for (const std::size_t size : sizes) {
      std::vector<void*> blocks;
      for (int n = 0; n < 6; ++n) {
        void* block = frame_pool::allocate(size, std::align_val_t{alignment});
        CHECK(reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
        std::memset(block, 0xA5, size);
        blocks.push_back(block);
        if (n == 2) {  // later blocks come from the pool, which also holds blocks of usual alignment
          for (void* each : blocks) frame_pool::deallocate(each, size, std::align_val_t{alignment});
          blocks.clear();
          frame_pool::deallocate(frame_pool::allocate(size), size);
        }
      }
      for (void* each : blocks) frame_pool::deallocate(each, size, std::align_val_t{alignment});
    }
  }
}

#if BRAID_ASAN == 0
TEST_CASE("frame_pool: above 2 KiB a block is at most an eighth larger than asked for",
          "[base][frame_pool]") {
  for (const std::size_t size : {2049, 4097, 5000, 70'000, 1'048'577}) {
    const std::size_t most = size + size / 8;
    void* block = frame_pool::allocate(size);
    frame_pool::deallocate(block, size);
    void* larger = frame_pool::allocate(most);
    CHECK(larger != block);
    CHECK(frame_pool::allocate(size) == block);
    frame_pool::deallocate(block, size);
    frame_pool::deallocate(larger, most);
  }
}

TEST_CASE("frame_pool: the block freed last is reused first", "[base][frame_pool]") {
  void* first = frame_pool::allocate(100);
  void* second = frame_pool::allocate(100);
  frame_pool::deallocate(first, 100);
  frame_pool::deallocate(second, 100);
  CHECK(frame_pool::allocate(104) == second);  // the same size class
  CHECK(frame_pool::allocate(89) == first);
  frame_pool::deallocate(first, 100);
  frame_pool::deallocate(second, 100);
}

TEST_CASE("frame_pool: a block freed on another thread is reused there", "[base][frame_pool][threads]") {
  void* made_here = frame_pool::allocate(300);
  void* given_there = nullptr;
  std::thread other([&] {
    frame_pool::deallocate(made_here, 300);
    given_there = frame_pool::allocate(300);
  });
  other.join();
  CHECK(given_there == made_here);
  frame_pool::deallocate(given_there, 300);
  CHECK(frame_pool::allocate(300) == given_there);
  frame_pool::deallocate(given_there, 300);
}
#endif

TEST_CASE("frame_pool: a warm pool does not allocate from the heap", "[base][frame_pool]") {
  if (!counts_allocations) return;
  for (const std::size_t size : {24, 64, 500, 2048, 5000, 1 << 21})
    frame_pool::deallocate(frame_pool::allocate(size), size);
  const allocation_count count;
  for (int n = 0; n < 1000; ++n)
    for (const std::size_t size : {24, 64, 500, 2048, 5000, 1 << 21})
      frame_pool::deallocate(frame_pool::allocate(size), size);
  const std::size_t made = count.made();
  CHECK(made == 0);
}

TEST_CASE("frame_pool: a discarded block goes back to the heap", "[base][frame_pool]") {
  if (!counts_allocations) return;
  void* const made = frame_pool::allocate(700);
  const std::size_t alive = allocations_alive();
  frame_pool::discard(made);
  const std::size_t left = allocations_alive();
  CHECK(left == alive - 1);
}

TEST_CASE("frame_pool: blocks above the largest size class come from the heap", "[base][frame_pool]") {
  if (!counts_allocations) return;
  const std::size_t alive = allocations_alive();
  frame_pool::deallocate(frame_pool::allocate((1 << 21) + 1), (1 << 21) + 1);
  const std::size_t left = allocations_alive();
  CHECK(left == alive);
}

TEST_CASE("frame_pool: a free list keeps a limited number of blocks", "[base][frame_pool]") {
  if (!counts_allocations) return;
  constexpr std::size_t size = 1 << 20;
  constexpr std::size_t kept = frame_pool::kept_bytes / size;
  std::size_t left_over = 0;
  std::thread fresh([&] {
    std::vector<void*> blocks(4 * kept);
    const std::size_t before = allocations_alive();
    for (void*& each : blocks) each = frame_pool::allocate(size);
    for (void* each : blocks) frame_pool::deallocate(each, size);
    left_over = allocations_alive() - before;
  });
  fresh.join();
  CHECK(left_over == kept);
}

TEST_CASE("frame_pool: the end of a thread gives its blocks back to the heap",
          "[base][frame_pool][threads]") {
  if (!counts_allocations) return;
  const auto use_a_thread = [](std::size_t blocks) {
    std::thread([blocks] {
      std::vector<void*> held(blocks);
      for (void*& each : held) each = frame_pool::allocate(200);
      for (void* each : held) frame_pool::deallocate(each, 200);
    }).join();
  };
  use_a_thread(1);
  const std::size_t alive = allocations_alive();
  use_a_thread(100);
  const std::size_t left = allocations_alive();
  CHECK(left == alive);
}

// A thread_local object that outlives the thread's pool: it frees into the heap and allocates from it.
struct late_user {
  ~late_user() {
    if (block != nullptr) frame_pool::deallocate(block, 200);
    void* another = frame_pool::allocate(200);
    frame_pool::deallocate(another, 200);
    frame_pool::deallocate(frame_pool::allocate(700), 700);
  }
  void* block = nullptr;
};
thread_local late_user late;

TEST_CASE("frame_pool: still works while its thread's variables are destroyed",
          "[base][frame_pool][threads]") {
  const auto use_a_thread = [] {
    std::thread([] {
      late.block = nullptr;  // constructed before the pool's cleaner, so destroyed after it
      late.block = frame_pool::allocate(200);
    }).join();
  };
  use_a_thread();
  const std::size_t alive = allocations_alive();
  use_a_thread();
  const std::size_t left = allocations_alive();
  CHECK(left == alive);
}

struct large_and_pooled : braid::detail::pooled {
  std::byte room[500];
};

TEST_CASE("pooled: new and delete of a type go through the pool", "[base][frame_pool]") {
  if (!counts_allocations) return;
  delete new large_and_pooled;
  const allocation_count count;
  for (int n = 0; n < 10; ++n) delete new large_and_pooled;
  const std::size_t made = count.made();
  CHECK(made == 0);
  struct alignas(64) strict : braid::detail::pooled {};
  for (int n = 0; n < 4; ++n) {
    std::unique_ptr<strict> one(new strict), other(new strict);
    CHECK(reinterpret_cast<std::uintptr_t>(one.get()) % 64 == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(other.get()) % 64 == 0);
  }
  alignas(large_and_pooled) std::byte room[sizeof(large_and_pooled)];
  auto* here = new (&room) large_and_pooled;  // placement new still works
  CHECK(static_cast<void*>(here) == static_cast<void*>(room));
  here->~large_and_pooled();
}

}  // namespace
