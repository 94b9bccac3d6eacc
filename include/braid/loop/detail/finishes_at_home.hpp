#pragma once

#include <optional>
#include <utility>

#include "braid/base/result.hpp"
#include "braid/loop/operation.hpp"

namespace braid::detail {

// Is this the thread of an operation's home? In terms of its type, since loop.hpp comes behind this.
template <class Loop>
[[nodiscard]] bool is_current(const Loop* home) noexcept {
  return Loop::current_or_null() == home;
}

/// The base of an operation that goes on at its home loop, on whichever thread a part of it has ended.
///
/// Derived::home()     the loop.
/// Derived::at_home()  called on its thread: at once if this is it, else after a delivery. May destroy *this.
template <class Derived>
class finishes_at_home : protected operation_base {
 protected:
  finishes_at_home() noexcept : operation_base(on_delivery) {}
  ~finishes_at_home() = default;

  void finish_at_home() noexcept {
    Derived& self = static_cast<Derived&>(*this);
    if (is_current(self.home())) [[likely]]
      return self.at_home();
    self.home()->operations().deliver(*this);
  }

 private:
  static void on_delivery(operation_base& base, completion) noexcept {
    static_cast<Derived&>(static_cast<finishes_at_home&>(base)).at_home();
  }
};

/// The same for an operation that goes on with a result.
///
/// Derived::on_finish(result)  called on the home loop's thread. May destroy *this, and with it the result.
template <class Derived, class T>
class finishes_at_home_with : protected operation_base {
 public:
  void finish(result<T>&& ended) noexcept {
    Derived& self = static_cast<Derived&>(*this);
    if (is_current(self.home())) [[likely]]
      return self.on_finish(std::move(ended));
    deliver(std::move(ended));
  }

 protected:
  finishes_at_home_with() noexcept : operation_base(on_delivery) {}
  ~finishes_at_home_with() = default;

 private:
  [[gnu::cold, gnu::noinline]] void deliver(result<T>&& ended) noexcept {
    late_.emplace(std::move(ended));
    static_cast<Derived&>(*this).home()->operations().deliver(*this);
  }
  static void on_delivery(operation_base& base, completion) noexcept {
    auto& self = static_cast<finishes_at_home_with&>(base);
    static_cast<Derived&>(self).on_finish(*std::move(self.late_));
  }

  std::optional<result<T>> late_;
};

}  // namespace braid::detail

#include "braid/loop/loop.hpp"  // whose loop::run needs the templates above
