#include "stage/cost.hpp"

#include <fmt/format.h>

namespace stage {

std::string cost::elapsed_text() const {
  const double us = static_cast<double>(elapsed.count()) / 1e3;
  return us < 1000 ? fmt::format("{:.0f} us", us) : fmt::format("{:.1f} ms", us / 1e3);
}

std::string cost::allocations_text() const {
  return allocations ? fmt::format("{:.1f}", *allocations) : "-";
}

}  // namespace stage
