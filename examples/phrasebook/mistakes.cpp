// A sample of docs/phrasebook.md: mistakes that a program finds when it runs with BRAID_CHECKS=1.
#include <cstdio>
#include <vector>

#include "sample.hpp"

using namespace braid;

namespace {

// [mistakes]
std::vector<mistake> find_mistakes() {  // with BRAID_CHECKS=1 in the environment, which each test may have
  std::vector<mistake> found;
  on_finding([&](const finding& one) { found.push_back(one.what); });  // without it each is printed
  { const auto forgotten = fetch("page"); }                            // nobody awaits it
  on_finding({});
  return found;
}
// [/mistakes]

}  // namespace

int main() {
  if (find_mistakes() == std::vector{mistake::unbegun_task}) return 0;
  std::fputs("mistakes: finds others\n", stderr);
  return 1;
}
