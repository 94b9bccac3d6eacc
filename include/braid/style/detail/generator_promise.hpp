#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/nested_call.hpp"
#include "braid/base/pinned.hpp"

namespace braid {
template <class Reference, class Value>
class generator;
}  // namespace braid

namespace braid::detail {

// The operand that elements_of makes for co_yield.
template <class Range>
struct elements {
  explicit elements(Range&& all) noexcept : range(std::forward<Range>(all)) {}
  Range&& range;
};

template <class Reference, class Value>
using generator_reference = std::conditional_t<std::is_void_v<Value>, Reference&&, Reference>;
// The type that co_yield takes, which is always a reference.
template <class Reference, class Value>
using generator_yielded =
    std::conditional_t<std::is_reference_v<generator_reference<Reference, Value>>,
                       generator_reference<Reference, Value>, const generator_reference<Reference, Value>&>;

// A generator's promise. Nested generators form a stack: the root, which the consumer holds, knows the
// innermost one and resumes it directly. Beginning or ending an inner generator returns to the loop in the
// root's pull(). So no tail call is needed, and a million nested generators use as much of the thread's stack
// as one.
template <class Yielded>
class generator_promise : public pooled_frame, pinned {
 public:
  using handle = std::coroutine_handle<generator_promise>;

  // Converts to any generator of these elements.
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
  // The consumer may move from an element, but the generator may use this variable again: yield a copy.
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
      destroy_nested(inner->self());
    }
    destroy_nested(self());
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

  // Puts an inner generator on top of the stack until that has ended.
  class nested : pinned {
   public:
    explicit nested(generator_promise* inner) noexcept : inner_(inner) {}
    ~nested() {
      if (inner_ != nullptr) destroy_nested(inner_->self());
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
    generator_promise* inner_;  // null once destroy() has destroyed it
  };

  template <class I, class S>
  static generator<Yielded, void> each_of(I next, S end) {
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
  generator_promise* parent_ = nullptr;  // the generator whose co_yield yields this one's elements
  generator_promise** owner_ = nullptr;  // the parent's pointer to this one
  std::exception_ptr failure_;
  // used in the root only
  generator_promise* innermost_ = this;
  std::add_pointer_t<Yielded> element_ = nullptr;  // of the last co_yield, in the frame that yielded
};

}  // namespace braid::detail
