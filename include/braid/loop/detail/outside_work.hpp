#pragma once

#include "braid/base/detail/intrusive_list.hpp"

namespace braid::detail {

/// Work that something outside of the loop ends: a C library, another event loop.
class outside_work : public list_node {
 public:
  /// The loop ends: asks that the work end soon.
  virtual void stop() noexcept = 0;

 protected:
  ~outside_work() = default;
};

}  // namespace braid::detail
