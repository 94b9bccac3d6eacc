#include "paths.hpp"

#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/loop/nop.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"

namespace instructions {

using namespace braid;

namespace {

// A part of the requests; 32 such tasks run at once.
task<> some_nops(long times) {
  for (long i = 0; i < times; ++i) co_await nop();
}

}  // namespace

long nops(loop& here, long times) {
  constexpr long abreast = 32;
  for (long i = 0; i < abreast; ++i) detach(some_nops(times / abreast + (i < times % abreast)));
  here.run();
  return times;
}
long stoppable_nops(loop& here, long times) {
  constexpr long abreast = 32;
  std::vector<task<>> all;
  for (long i = 0; i < abreast; ++i) all.push_back(some_nops(times / abreast + (i < times % abreast)));
  here.run(when_all(std::move(all)));
  return times;
}

}  // namespace instructions
