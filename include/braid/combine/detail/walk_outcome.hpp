#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "braid/base/result.hpp"
#include "braid/core/any_result.hpp"

namespace braid::detail {

struct nothing_kept {
  using value_type = void;
  static constexpr bool keeps_errors = false;
  void begun(std::size_t) noexcept {}
  template <class T>
  void keep(std::size_t, result<T>&&) noexcept {}
  void take() noexcept {}
};

template <class T>
struct for_each_outcome : nothing_kept {
  static constexpr const char* name = "for_each_concurrent";
};

// Keeps results that arrive in any order, and gives them in the range's order.
template <class Kept>
class kept_in_order {
 public:
  using value_type = std::vector<Kept>;
  void begun(std::size_t index) {
    if (kept_.size() == index) kept_.emplace_back();
  }
  [[nodiscard]] value_type take() {
    value_type all;
    all.reserve(kept_.size());
    for (std::optional<Kept>& each : kept_) all.push_back(*std::move(each));
    return all;
  }

 protected:
  std::vector<std::optional<Kept>> kept_;
};

template <class T>
struct map_outcome : kept_in_order<regular<T>> {
  static constexpr const char* name = "map_concurrent";
  static constexpr bool keeps_errors = false;
  void keep(std::size_t index, result<T>&& with) { this->kept_[index].emplace(*std::move(with)); }
};
template <>
struct map_outcome<void> : nothing_kept {
  static constexpr const char* name = "map_concurrent";
};

template <class T>
struct map_settled_outcome : kept_in_order<result<T>> {
  static constexpr const char* name = "map_concurrent_settled";
  static constexpr bool keeps_errors = true;
  void keep(std::size_t index, result<T>&& with) noexcept { this->kept_[index].emplace(std::move(with)); }
};

}  // namespace braid::detail
