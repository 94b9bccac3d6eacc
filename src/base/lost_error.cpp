#include "braid/base/detail/lost_error.hpp"

#include <cstdio>
#include <exception>

namespace braid::detail {

void report_lost(error failure) noexcept {
  if (lost_errors_go_to != nullptr) return lost_errors_go_to(std::move(failure));
  std::fprintf(stderr, "braid: unhandled error: %s\n", failure.message().c_str());
  std::terminate();
}

}  // namespace braid::detail
