#pragma once

#include "braid/base/detail/intrusive_list.hpp"

namespace braid::detail {

/// Something that a verb left with the loop. It is destroyed when it ends, or when the loop ends.
class resident : public list_node {
 public:
  /// Destroys *this. Called when the loop ends: nothing is in flight, and no operation will finish this.
  virtual void abandon() noexcept = 0;

 protected:
  ~resident() = default;
};

}  // namespace braid::detail
