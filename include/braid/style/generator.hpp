#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "braid/style/detail/generator_promise.hpp"

namespace braid {

/// A synchronous generator: a coroutine whose co_yields are the elements of an input range.
///
///     generator<int> squares() {
///       for (int n = 0;; ++n) co_yield n * n;
///     }
///     for (const int each : squares()) {
///       if (each > 100) break;
///       use(each);
///     }
///
/// It is C++23's std::generator: generator<T> yields T&&, generator<const T&> yields const T&, and
/// generator<Reference, Value> yields Reference, of which a container stores a Value.
///
/// Lifetime  owns its coroutine frame; destroying it half-way destroys the locals, those of inner generators
///           first. An element lives until the next ++.
/// Threads   none of its own: it runs within ++ and begin().
/// Errors    an exception is thrown by begin() or ++ and ends the generator. A second begin() throws
///           std::logic_error.
/// Cost      one block of the frame pool; nothing per element.
/// Source    P2502. Unlike there, iterators can be copied, as range-v3 requires, and elements_of takes a
///           range of lvalues too.
template <class Reference, class Value = void>
class [[nodiscard]] generator : public std::ranges::view_interface<generator<Reference, Value>> {
  using reference = detail::generator_reference<Reference, Value>;
  using value_type = std::conditional_t<std::is_void_v<Value>, std::remove_cvref_t<Reference>, Value>;
  static_assert(std::is_object_v<value_type> && std::same_as<value_type, std::remove_cv_t<value_type>>);

 public:
  using promise_type = detail::generator_promise<detail::generator_yielded<Reference, Value>>;

  /// All copies of an iterator are at the same element.
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using iterator_category = std::input_iterator_tag;
    using value_type = generator::value_type;
    using difference_type = std::ptrdiff_t;
    using reference = generator::reference;
    using pointer = void;

    iterator() = default;
    [[nodiscard]] reference operator*() const { return static_cast<reference>(frame_->element()); }
    iterator& operator++() {
      frame_->pull();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept {
      return at.frame_->ended();
    }

   private:
    friend generator;
    explicit iterator(promise_type* frame) noexcept : frame_(frame) {}
    promise_type* frame_ = nullptr;
  };

  generator(generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  generator& operator=(generator other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~generator() {
    if (frame_ != nullptr) frame_->destroy();
  }

  /// Runs the coroutine to its first element.
  [[nodiscard]] iterator begin() {
    check_new("begin");
    frame_->pull();
    return iterator(frame_);
  }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return std::default_sentinel; }

 private:
  template <class>
  friend class detail::generator_promise;
  explicit generator(promise_type* frame) noexcept : frame_(frame) {}
  [[nodiscard]] promise_type* release() {
    check_new("elements_of");
    return std::exchange(frame_, nullptr);
  }
  void check_new(const char* call) const {
    if (frame_ == nullptr) throw std::logic_error(std::string(call) + ": the generator was moved from");
    if (frame_->has_begun()) throw std::logic_error(std::string(call) + ": the generator has begun already");
  }

  promise_type* frame_;
};

/// In a generator, co_yield elements_of(inner) yields all elements of another generator, which is moved from,
/// or of any range. With a generator of the same elements each one costs O(1) at any depth, and no stack.
///
///     generator<int> count_to(int last) {
///       if (last > 1) co_yield elements_of(count_to(last - 1));
///       co_yield last;
///     }
///
/// Errors  an exception of the inner generator is thrown by the co_yield.
template <std::ranges::input_range Range>
[[nodiscard]] auto elements_of(Range&& range) noexcept {
  return detail::elements<Range>(std::forward<Range>(range));
}

}  // namespace braid

/// A view of the standard library only: range-v3 requires that views can be copied.
template <class Reference, class Value>
inline constexpr bool std::ranges::enable_view<braid::generator<Reference, Value>> = true;
