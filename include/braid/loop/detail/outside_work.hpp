#pragma once

#include "braid/base/detail/intrusive_list.hpp"

namespace braid::detail {

/// Work that is ended from outside of the loop: by a C library, or another event loop.
class outside_work : public list_node {
 public:
  /// Asks that the work end soon. Called when the loop ends.
  virtual void stop() noexcept = 0;

 protected:
  ~outside_work() = default;
};

}  // namespace braid::detail
