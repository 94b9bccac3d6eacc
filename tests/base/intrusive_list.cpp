#include "braid/base/detail/intrusive_list.hpp"

#include <vector>

#include "catch.hpp"

namespace {

struct item : braid::detail::list_node {
  explicit item(int v) : value(v) {}
  int value;
};
using list = braid::detail::intrusive_list<item>;

std::vector<int> drain(list& from) {
  std::vector<int> values;
  while (!from.empty()) values.push_back(from.pop_front().value);
  return values;
}

TEST_CASE("intrusive_list: elements leave in the order in which they were added", "[base][intrusive_list]") {
  item a(1), b(2), c(3);
  list l;
  CHECK(l.empty());
  CHECK_FALSE(a.linked());
  l.push_back(a);
  l.push_back(b);
  l.push_back(c);
  CHECK(a.linked());
  CHECK(&l.front() == &a);
  CHECK(drain(l) == std::vector{1, 2, 3});
  CHECK_FALSE(a.linked());
}

TEST_CASE("intrusive_list: an element can be removed from the front, the middle and the end",
          "[base][intrusive_list]") {
  item a(1), b(2), c(3), d(4);
  list l;
  for (item* each : {&a, &b, &c, &d}) l.push_back(*each);
  b.unlink();
  CHECK_FALSE(b.linked());
  d.unlink();
  a.unlink();
  CHECK(&l.front() == &c);
  l.push_back(a);
  CHECK(drain(l) == std::vector{3, 1});
}

TEST_CASE("intrusive_list: push_front puts an element first", "[base][intrusive_list]") {
  item a(1), b(2), c(3);
  list l;
  l.push_front(a);
  l.push_front(b);
  l.push_back(c);
  CHECK(drain(l) == std::vector{2, 1, 3});
}

TEST_CASE("intrusive_list: a removed element can be added to another list", "[base][intrusive_list]") {
  item a(1);
  list first, second;
  first.push_back(a);
  a.unlink();
  CHECK(first.empty());
  second.push_back(a);
  CHECK(drain(second) == std::vector{1});
}

}  // namespace
