// Uses the blocking pool: dies of what BRAID_BLOCKING_THREADS must not be.

#include "braid/schedule/offload.hpp"
#include "braid/style/run.hpp"

int main() {
  return braid::run(braid::offload([] { return 7; })) == 7 ? 0 : 1;
}
