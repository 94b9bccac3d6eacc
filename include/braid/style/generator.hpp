#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "braid/base/frame_pool.hpp"
#include "braid/base/pinned.hpp"

namespace braid {

template <class Reference, class Value = void>
class generator;

namespace detail {

// What a co_yield is given by elements_of.
template <class Range>
struct elements {
  explicit elements(Range&& all) noexcept : range(std::forward<Range>(all)) {}
  Range&& range;
};

template <class Reference, class Value>
using generator_reference = std::conditional_t<std::is_void_v<Value>, Reference&&, Reference>;
// What a co_yield takes: a reference in any case.
template <class Reference, class Value>
using generator_yielded =
    std::conditional_t<std::is_reference_v<generator_reference<Reference, Value>>,
                       generator_reference<Reference, Value>, const generator_reference<Reference, Value>&>;

// A generator's promise. Generators within generators are a stack: the root, which the consumer holds, knows the
// innermost one and resumes it directly. What begins an inner one, and what ends it, returns to the root's loop in
// pull: so no tail call is needed, and the thread's stack is as deep for a million levels as for one.
template <class Yielded>
class generator_promise : public pooled, pinned {
 public:
  using handle = std::coroutine_handle<generator_promise>;

  // Becomes any generator of these elements.
  class made {
   public:
    explicit made(generator_promise& frame) noexcept : frame_(&frame) {}
    template <class R, class V>
      requires std::same_as<generator_yielded<R, V>, Yielded>
    operator generator<R, V>() const noexcept {
      return generator<R, V>(frame_);
    }

   private:
    generator_promise* frame_;
  };
  [[nodiscard]] made get_return_object() noexcept { return made(*this); }
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] std::suspend_always final_suspend() const noexcept {
    if (parent_ != nullptr) root_->innermost_ = parent_;
    return {};
  }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }

  [[nodiscard]] std::suspend_always yield_value(Yielded element) const noexcept {
    root_->element_ = std::addressof(element);
    return {};
  }
  // Elements are to be moved from, and this one is a variable that may be used again: a copy stands in for it.
  [[nodiscard]] auto yield_value(const std::remove_reference_t<Yielded>& variable) const
    requires std::is_rvalue_reference_v<Yielded> && std::copy_constructible<std::remove_cvref_t<Yielded>>
  {
    return copied(variable);
  }
  template <class R, class V>
    requires std::same_as<generator_yielded<R, V>, Yielded>
  [[nodiscard]] auto yield_value(elements<generator<R, V>> inner) const {
    return nested(inner.range.release());
  }
  template <std::ranges::input_range R>
  [[nodiscard]] auto yield_value(elements<R> inner) const {
    return nested(each_of(std::ranges::begin(inner.range), std::ranges::end(inner.range)).release());
  }

  template <class A>
  std::suspend_never await_transform(A&&) const noexcept {
    static_assert(!std::same_as<A, A>,
                  "a generator cannot co_await, since its consumer does not: make it an async_generator<T>");
    return {};
  }

  // For the root's owner.
  [[nodiscard]] bool has_begun() const noexcept { return element_ != nullptr || ended(); }
  [[nodiscard]] bool ended() const noexcept { return self().done(); }
  [[nodiscard]] Yielded element() const noexcept { return static_cast<Yielded>(*element_); }
  void pull() {
    element_ = nullptr;
    do innermost_->self().resume();
    while (element_ == nullptr && !ended());
    throw_failure();
  }
  void destroy() noexcept {
    while (innermost_ != this) {
      generator_promise* const inner = std::exchange(innermost_, innermost_->parent_);
      *inner->owner_ = nullptr;
      inner->self().destroy();
    }
    self().destroy();
  }

 private:
  class copied {
   public:
    explicit copied(const std::remove_cvref_t<Yielded>& variable) : copy_(variable) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(handle yielding) noexcept {
      yielding.promise().root_->element_ = std::addressof(copy_);
    }
    void await_resume() const noexcept {}

   private:
    std::remove_cvref_t<Yielded> copy_;
  };

  // Puts an inner generator on top of the stack until it has ended.
  class nested : pinned {
   public:
    explicit nested(generator_promise* inner) noexcept : inner_(inner) {}
    ~nested() {
      if (inner_ != nullptr) inner_->self().destroy();
    }
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(handle outer) noexcept {
      inner_->owner_ = &inner_;
      inner_->parent_ = &outer.promise();
      inner_->root_ = outer.promise().root_;
      inner_->root_->innermost_ = inner_;
    }
    void await_resume() const { inner_->throw_failure(); }

   private:
    generator_promise* inner_;  // null once it was destroyed on its own
  };

  template <class I, class S>
  static generator<Yielded> each_of(I next, S end) {
    for (; next != end; ++next) co_yield *next;
  }

  [[nodiscard]] handle self() const noexcept {
    return handle::from_promise(const_cast<generator_promise&>(*this));
  }
  void throw_failure() {
    if (failure_) [[unlikely]]
      std::rethrow_exception(std::exchange(failure_, nullptr));
  }

  generator_promise* root_ = this;
  generator_promise* parent_ = nullptr;  // whose co_yield this one's elements are
  generator_promise** owner_ = nullptr;  // where the parent keeps this one
  std::exception_ptr failure_;
  // the root's
  generator_promise* innermost_ = this;
  std::add_pointer_t<Yielded> element_ = nullptr;  // of the last co_yield, in the frame that yielded
};

}  // namespace detail

/// In a generator: co_yield elements_of(inner) yields all elements of another generator, moved from, or of any range.
/// A generator of the same elements costs O(1) an element at any depth, and no stack.
/// Errors  what the inner one throws comes out of the co_yield.
template <std::ranges::input_range Range>
[[nodiscard]] auto elements_of(Range&& range) noexcept {
  return detail::elements<Range>(std::forward<Range>(range));
}

/// A synchronous generator: a coroutine whose co_yields are the elements of an input range. std::generator of C++23:
/// a generator<T> yields T&&, a generator<const T&> what it says; a generator<Reference, Value> Reference, with Value
/// as what a container of the elements holds.
///
/// Lifetime  owns its frame; destroyed half-way it destroys the locals, those of inner generators first. An element
///           lives until the next one is asked for.
/// Threads   none of its own: it runs within ++ and begin.
/// Errors    an exception comes out of begin or ++, and ends it. begin() throws std::logic_error when called again.
/// Cost      one frame from the frame pool; nothing for each element.
/// Source    P2502; but its iterators can be copied, as those of range-v3 must, and lvalues are elements too where
///           elements_of has a range of them.
template <class Reference, class Value>
class [[nodiscard]] generator : public std::ranges::view_interface<generator<Reference, Value>> {
  using reference = detail::generator_reference<Reference, Value>;
  using value_type = std::conditional_t<std::is_void_v<Value>, std::remove_cvref_t<Reference>, Value>;
  static_assert(std::is_object_v<value_type> && std::same_as<value_type, std::remove_cv_t<value_type>>);

 public:
  using promise_type = detail::generator_promise<detail::generator_yielded<Reference, Value>>;

  /// All copies are at the same element.
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

  /// Runs it to its first element.
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

}  // namespace braid

/// range-v3 takes it for no view of its own, since those can be copied.
template <class Reference, class Value>
inline constexpr bool std::ranges::enable_view<braid::generator<Reference, Value>> = true;
