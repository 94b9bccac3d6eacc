#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

std::uint64_t nops(std::uint64_t n) {
  std::uint64_t succeeded = 0;
  while (succeeded < n) {
    braid::await(braid::nop());
    ++succeeded;
  }
  return succeeded;
}

std::uint64_t run_nops(braid::loop& loop, std::uint64_t n) {
  return loop.run(braid::in_fiber([n] { return nops(n); }));
}

const bench::add<bench::with<bench::thread_loop, run_nops>> here{"nop", "fiber"};

}  // namespace
