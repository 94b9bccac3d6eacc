#include "braid/base/detail/ring_buffer.hpp"

#include <deque>
#include <memory>
#include <random>
#include <string>

#include "allocations.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("ring_buffer: behaves like a deque under random calls", "[ring_buffer]") {
  std::mt19937 random(1);
  braid::detail::ring_buffer<std::string> ring;
  std::deque<std::string> model;
  int wrong = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::string value = std::to_string(step) + " and so long that it is on the heap";
    switch (random() % 5) {
      case 0:
      case 1:
        ring.push_back(value);
        model.push_back(value);
        break;
      case 2:
        ring.push_front(value);
        model.push_front(value);
        break;
      case 3:
        if (model.empty()) break;
        wrong += ring.pop_front() != model.front();
        model.pop_front();
        break;
      default:
        if (model.size() > 100) {
          ring.clear();
          model.clear();
        } else if (!model.empty()) {
          ring.drop_front();
          model.pop_front();
        }
    }
    wrong += ring.size() != model.size() || ring.empty() != model.empty();
    for (std::size_t i = 0; i < model.size(); i += 7) wrong += ring[i] != model[i];
  }
  CHECK(wrong == 0);
}

TEST_CASE("ring_buffer: holds move-only elements and destroys those that are left", "[ring_buffer]") {
  const auto counted = std::make_shared<int>(1);
  {
    braid::detail::ring_buffer<std::unique_ptr<std::shared_ptr<int>>> ring;
    for (int n = 0; n < 20; ++n) ring.push_back(std::make_unique<std::shared_ptr<int>>(counted));
    CHECK(ring.pop_front() != nullptr);
    CHECK(counted.use_count() == 20);
  }
  CHECK(counted.use_count() == 1);
}

TEST_CASE("ring_buffer: allocates only while it grows", "[ring_buffer]") {
  braid::detail::ring_buffer<int> ring;
  const allocation_count before;
  CHECK(before.made() == 0);
  for (int n = 0; n < 100; ++n) ring.push_back(n);
  const allocation_count grown;
  int wrong = 0;
  for (int n = 0; n < 10'000; ++n) {
    wrong += ring.pop_front() != n;
    ring.push_back(n + 100);
  }
  const std::size_t made = grown.made();
  CHECK(made == 0);
  CHECK(wrong == 0);
}
