#pragma once

#include <vector>

#include "braid/net/endpoint.hpp"

namespace braid::tcp::detail {

// The order in which the endpoints of a host are tried: the family of the first one and the other family in
// turn, each in its own order. The rest of the longer family follows at the end.
[[nodiscard]] std::vector<endpoint> families_in_turn(const std::vector<endpoint>& all);

}  // namespace braid::tcp::detail
