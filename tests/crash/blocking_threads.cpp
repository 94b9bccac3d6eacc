// Uses the blocking pool, which must reject a wrong BRAID_BLOCKING_THREADS.

#include "braid/schedule/offload.hpp"
#include "braid/style/run.hpp"

int main() {
  return braid::run(braid::offload([] { return 7; })) == 7 ? 0 : 1;
}
