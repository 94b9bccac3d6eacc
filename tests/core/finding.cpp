#include "braid/core/finding.hpp"

#include <source_location>
#include <string>
#include <vector>

#include "braid/core/detail/find_mistake.hpp"
#include "catch.hpp"

using namespace braid;

namespace {

// Collects the findings while it lives.
struct collected_findings {
  collected_findings() {
    on_finding([this](const finding& found) { all.push_back(found); });
  }
  collected_findings(const collected_findings&) = delete;
  collected_findings& operator=(const collected_findings&) = delete;
  ~collected_findings() { on_finding({}); }
  std::vector<finding> all;
};

void make_mistake(mistake what, const std::source_location& where) {
  detail::find_mistake(what, where, [&] { return finding{what, "a mistake", {{where}, true}}; });
}

}  // namespace

TEST_CASE("finding: the text is the message with the asynchronous stack below it", "[finding]") {
  CHECK(format_finding({mistake::held_loop, "a mistake", {}}) == "braid: check: a mistake\n");
  const auto here = std::source_location::current();
  CHECK(format_finding({mistake::held_loop, "a mistake", {{here}, true}}) ==
        "braid: check: a mistake\n  started at " + format_place(here) + "\n");
}

TEST_CASE("finding: a mistake is found once for each kind and place", "[finding]") {
  const collected_findings found;
  for (int n = 0; n < 3; ++n) make_mistake(mistake::held_loop, std::source_location::current());
  CHECK(found.all.size() == 1);
  const auto place = std::source_location::current();
  make_mistake(mistake::held_loop, place);
  make_mistake(mistake::unbegun_task, place);
  make_mistake(mistake::unbegun_task, place);
  REQUIRE(found.all.size() == 3);
  CHECK(found.all[1].what == mistake::held_loop);
  CHECK(found.all[2].what == mistake::unbegun_task);
}

TEST_CASE("finding: the handler may set another one", "[finding]") {
  int first = 0, second = 0;
  on_finding([&](const finding&) {
    ++first;
    on_finding([&](const finding&) { ++second; });
  });
  make_mistake(mistake::held_loop, std::source_location::current());
  make_mistake(mistake::held_loop, std::source_location::current());
  on_finding({});
  CHECK(first == 1);
  CHECK(second == 1);
}
