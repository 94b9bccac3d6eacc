#pragma once

#include "braid/base/detail/intrusive_list.hpp"

namespace braid::detail {

/// Something that a verb left with the loop: destroyed by its own end, or by the loop's.
class resident : public list_node {
 public:
  /// The loop ends: nothing is in flight any more, and nobody will finish this. Destroys *this.
  virtual void abandon() noexcept = 0;

 protected:
  ~resident() = default;
};

}  // namespace braid::detail
