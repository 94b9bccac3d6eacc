#include "usage.hpp"

#include <sys/resource.h>

namespace readiness_vs_completion {
namespace {

switches of(int whose) {
  rusage used{};
  ::getrusage(whose, &used);
  return {used.ru_nvcsw, used.ru_nivcsw};
}

}  // namespace

switches of_this_process() { return of(RUSAGE_SELF); }
switches of_this_thread() { return of(RUSAGE_THREAD); }

}  // namespace readiness_vs_completion
