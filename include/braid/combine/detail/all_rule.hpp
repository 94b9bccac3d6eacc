#pragma once

#include <cstddef>
#include <utility>

#include "braid/combine/detail/join.hpp"
#include "braid/combine/detail/join_failures.hpp"

namespace braid::detail {

// All values. The first error stops the other operations.
class all_rule {
 public:
  static constexpr const char* name = "when_all";
  template <class Ops>
  using value_type = typename joined<Ops>::values;

  static constexpr stop_reason why(std::size_t) noexcept { return stop_reason::sibling_failed; }
  template <class T>
  [[nodiscard]] bool on_finish(result<T>& ended, std::size_t, const join_base& join) noexcept {
    if (ended) return false;
    const bool decides = !failures_.any();
    failures_.add(std::move(ended).error(), join.stopping());
    return decides;
  }
  template <class T, class Children>
  [[nodiscard]] result<T> result_of(Children& children, const join_base&) noexcept {
    if (failures_.any()) return std::move(failures_).first();
    return capture([&] { return children.values(); });
  }

 private:
  join_failures failures_;
};

}  // namespace braid::detail
