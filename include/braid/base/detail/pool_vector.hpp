#pragma once

#include <vector>

#include "braid/base/detail/frame_pool.hpp"

namespace braid::detail {

template <class T>
using pool_vector = std::vector<T, pool_allocator<T>>;

}  // namespace braid::detail
