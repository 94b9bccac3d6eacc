#pragma once

#include <cerrno>
#include <cstddef>
#include <tuple>
#include <utility>

#include "braid/combine/detail/join.hpp"

namespace braid::detail {

// The result of the first operation. The second one is a sleep; when either ends, it stops the other.
class timeout_rule {
 public:
  static constexpr const char* name = "with_timeout";
  template <class Ops>
  using value_type = value_of<std::tuple_element_t<0, Ops>>;

  static constexpr stop_reason why(std::size_t index) noexcept {
    return index == 1 ? stop_reason::timed_out : stop_reason::not_needed;
  }
  template <class T>
  [[nodiscard]] bool on_finish(result<T>& ended, std::size_t index, const join_base& join) noexcept {
    timed_out_ = timed_out_ || (index == 1 && ended.has_value() && !join.stopping());
    return true;
  }
  template <class T, class Children>
  [[nodiscard]] result<T> result_of(Children& children, const join_base&) noexcept {
    result<T> ended = std::move(children.first_result());
    if (timed_out_ && !ended && ended.error() == std::errc::operation_canceled)
      ended = timed_out(ended.error());
    return ended;
  }

 private:
  // Keeps what the cancellation says about earlier failures, for instance those of a retry.
  static error timed_out(const error& canceled) noexcept {
    error late(std::error_code(ETIMEDOUT, timeout_category()), "with_timeout");
    for (const error& each : canceled.suppressed()) late.suppress(each);
    late.set_transferred(canceled.transferred());
    return late;
  }

  bool timed_out_ = false;
};

}  // namespace braid::detail
