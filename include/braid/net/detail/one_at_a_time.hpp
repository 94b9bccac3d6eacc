#pragma once

#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"

namespace braid::detail {

// Marks an object as busy while one of its operations is in progress. A second one fails.
class one_at_a_time : pinned {
 public:
  explicit one_at_a_time(bool& busy, const char* complaint) : busy_(busy) {
    if (std::exchange(busy_, true)) misuse_error(complaint).rethrow();
  }
  ~one_at_a_time() { busy_ = false; }

 private:
  bool& busy_;
};

}  // namespace braid::detail
