#pragma once

#include <memory>
#include <utility>

#include "machine.hpp"

namespace braid::sim::detail {

// The two ends of a new pipe: {reader, writer}. Throws std::bad_alloc.
[[nodiscard]] std::pair<std::shared_ptr<object>, std::shared_ptr<object>> make_pipe();

}  // namespace braid::sim::detail
