#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace braid::detail {

template <class Key, class Element>
using distinct_key = std::remove_cvref_t<std::invoke_result_t<Key&, const Element&>>;

template <class Key, class Element>
struct distinct_step {
  using value_type = Element;
  Key key;
  std::optional<distinct_key<Key, Element>> last = {};

  void take(Element&& element, std::optional<Element>& to) {
    auto&& its = std::invoke(key, std::as_const(element));
    if (last && *last == its) return;
    last = std::forward<decltype(its)>(its);
    to.emplace(std::move(element));
  }
};

// Remembers the last `most` keys that were new, and forgets the oldest of them for the next new one.
template <class Key>
class remembered_keys {
 public:
  explicit remembered_keys(std::size_t most) noexcept : most_(most) {}
  remembered_keys(remembered_keys&&) noexcept = default;
  remembered_keys& operator=(remembered_keys&&) noexcept = default;

  /// True if the key is new. A node of the set is used again, so a full memory allocates nothing.
  template <class K>
  [[nodiscard]] bool add(K&& key) {
    if (seen_.contains(key)) return false;
    if (order_.size() < most_) {
      order_.push_back(nullptr);
      try {
        order_.back() = &*seen_.insert(std::forward<K>(key)).first;
      } catch (...) {
        order_.pop_back();
        throw;
      }
      return true;
    }
    auto node = seen_.extract(*order_[oldest_]);
    node.value() = std::forward<K>(key);
    order_[oldest_] = &*seen_.insert(std::move(node)).position;
    oldest_ = (oldest_ + 1) % most_;
    return true;
  }

 private:
  std::size_t most_;
  std::size_t oldest_ = 0;
  std::unordered_set<Key> seen_;
  std::vector<const Key*> order_;  // a ring, once it is full
};

template <class Key, class Element>
struct distinct_within_step {
  using value_type = Element;
  Key key;
  remembered_keys<distinct_key<Key, Element>> seen;

  void take(Element&& element, std::optional<Element>& to) {
    if (seen.add(std::invoke(key, std::as_const(element)))) to.emplace(std::move(element));
  }
};

}  // namespace braid::detail
