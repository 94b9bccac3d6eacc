#pragma once

#include <cstddef>
#include <stdexcept>

#include "braid/combine/detail/join.hpp"

namespace braid {
template <class Results>
struct any_settled;
}  // namespace braid

namespace braid::detail {

// Every result; no error stops the others.
struct all_settled_rule {
  static constexpr const char* name = "when_all_settled";
  template <class Ops>
  using value_type = typename joined<Ops>::results;

  static constexpr stop_reason why(std::size_t) noexcept { return stop_reason::not_needed; }
  template <class T>
  [[nodiscard]] bool on_finish(result<T>&, std::size_t, const join_base&) const noexcept {
    return false;
  }
  template <class T, class Children>
  [[nodiscard]] result<T> result_of(Children& children, const join_base&) noexcept {
    return capture([&] { return children.results(); });
  }
};

// Every result, too; the first operation that ends stops the others.
class any_settled_rule {
 public:
  static constexpr const char* name = "when_any_settled";
  template <class Ops>
  using value_type = any_settled<typename joined<Ops>::results>;

  static constexpr stop_reason why(std::size_t) noexcept { return stop_reason::not_needed; }
  template <class T>
  [[nodiscard]] bool on_finish(result<T>&, std::size_t index, const join_base&) noexcept {
    if (first_ != none) return false;
    first_ = index;
    return true;
  }
  template <class T, class Children>
  [[nodiscard]] result<T> result_of(Children& children, const join_base&) noexcept {
    return capture([&] {
      if (first_ == none) throw std::invalid_argument("when_any_settled: the range is empty");
      return T{first_, children.results()};
    });
  }

 private:
  static constexpr std::size_t none = ~std::size_t{0};
  std::size_t first_ = none;
};

}  // namespace braid::detail
