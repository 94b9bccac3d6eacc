#include "braid/base/detail/intrusive_queue.hpp"

#include <deque>
#include <vector>

#include "catch.hpp"

namespace {

struct item {
  int value = 0;
  item* next = nullptr;
};
using queue = braid::detail::intrusive_queue<item, &item::next>;

std::vector<int> drain(queue& from) {
  std::vector<int> values;
  while (!from.empty()) values.push_back(from.pop_front().value);
  return values;
}

static_assert(sizeof(queue) == 16);

TEST_CASE("intrusive_queue: elements leave in the order in which they were added",
          "[base][intrusive_queue]") {
  item a{1}, b{2}, c{3};
  queue q;
  CHECK(q.empty());
  CHECK(q.front() == nullptr);
  q.push_back(a);
  q.push_back(b);
  CHECK(q.front() == &a);
  CHECK(&q.pop_front() == &a);
  q.push_back(c);
  q.push_back(a);
  CHECK(drain(q) == std::vector{2, 3, 1});
  CHECK(q.empty());
}

TEST_CASE("intrusive_queue: push_front puts an element first", "[base][intrusive_queue]") {
  item a{1}, b{2}, c{3};
  queue q;
  q.push_front(a);
  q.push_front(b);
  q.push_back(c);
  CHECK(drain(q) == std::vector{2, 1, 3});
}

TEST_CASE("intrusive_queue: append moves all elements and leaves the other queue empty",
          "[base][intrusive_queue]") {
  item a{1}, b{2}, c{3}, d{4};
  queue left, right, none;
  left.append(std::move(none));
  CHECK(left.empty());
  right.push_back(a);
  right.push_back(b);
  left.append(std::move(right));  // to an empty queue
  CHECK(right.empty());
  right.push_back(c);
  left.append(std::move(right));
  left.push_back(d);
  CHECK(drain(left) == std::vector{1, 2, 3, 4});
}

TEST_CASE("intrusive_queue: a queue that was moved from is empty and can be filled again",
          "[base][intrusive_queue]") {
  item a{1}, b{2};
  queue first;
  first.push_back(a);
  queue second = std::move(first);
  CHECK(first.empty());
  first.push_back(b);
  CHECK(drain(second) == std::vector{1});
  CHECK(drain(first) == std::vector{2});
}

TEST_CASE("intrusive_queue: behaves like a deque under random calls", "[base][intrusive_queue]") {
  std::vector<item> items(64);
  for (int n = 0; n < 64; ++n) items[static_cast<std::size_t>(n)].value = n;
  const std::uint32_t seed = GENERATE(1U, 2U, 3U, 4U);
  std::uint32_t random = seed;
  const auto draw = [&random](std::size_t below) {
    random = random * 1664525U + 1013904223U;
    return static_cast<std::size_t>(random >> 8) % below;
  };
  queue q;
  std::deque<item*> model;
  std::vector<item*> outside;
  for (item& each : items) outside.push_back(&each);
  bool same = true;
  for (int step = 0; step < 10'000; ++step) {
    if (!outside.empty() && draw(2) == 0) {
      item* taken = outside[draw(outside.size())];
      std::erase(outside, taken);
      if (draw(3) == 0) {
        q.push_front(*taken);
        model.push_front(taken);
      } else {
        q.push_back(*taken);
        model.push_back(taken);
      }
    } else if (!model.empty() && draw(4) == 0) {
      item* taken = model[draw(model.size())];
      same = same && q.remove(*taken) && !q.remove(*taken);
      std::erase(model, taken);
      outside.push_back(taken);
    } else if (!model.empty() && draw(4) == 0) {
      const std::size_t index = draw(model.size());
      q.bring_forward(index);
      item* chosen = model[index];
      std::erase(model, chosen);
      model.push_front(chosen);
      same = same && q.size_up_to(model.size() + 1) == model.size() && q.size_up_to(0) == 0;
    } else if (!model.empty()) {
      item* taken = &q.pop_front();
      same = same && taken == model.front();
      model.pop_front();
      outside.push_back(taken);
    }
    same = same && q.empty() == model.empty();
  }
  INFO("seed " << seed);
  CHECK(same);
}

}  // namespace
