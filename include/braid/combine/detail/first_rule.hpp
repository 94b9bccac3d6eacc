#pragma once

#include <cstddef>
#include <utility>

#include "braid/combine/detail/join.hpp"
#include "braid/combine/detail/join_failures.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

// The first result that Wins accepts, which stops the other operations. If Wins accepts none, the first error
// is the join's, with the others in its suppressed().
template <class Wins>
class first_rule {
 public:
  static constexpr const char* name = Wins::name;
  template <class Ops>
  using value_type = typename joined<Ops>::any_value;

  static constexpr stop_reason why(std::size_t) noexcept { return stop_reason::not_needed; }
  template <class T>
  [[nodiscard]] bool on_finish(result<T>& ended, std::size_t index, const join_base& join) noexcept {
    if (winner_ != none) {
      if (!ended && ended.error().of_clean_up()) [[unlikely]]
        failures_.add(std::move(ended).error());
      return false;
    }
    if (!ended && join.stopping()) ended.error().set_requested(true);
    if (!Wins::accepts(ended)) {
      failures_.add(std::move(ended).error());
      return false;
    }
    winner_ = index;
    failures_.clear();
    return true;
  }
  template <class T, class Children>
  [[nodiscard]] result<T> result_of(Children& children, const join_base& join) noexcept {
    if (winner_ == none) return failure(join);
    result<T> first = children.result_of(winner_);
    if (failures_.any()) [[unlikely]]
      add_losers(first);
    return first;
  }

 private:
  static constexpr std::size_t none = ~std::size_t{0};

  // If the join was stopped from outside, or by the loop's end, while only some had failed, another operation
  // might have succeeded: the join ends as cancelled.
  [[nodiscard]] error failure(const join_base& join) noexcept {
    if (!failures_.any()) return invalid_argument_error(name, "the range is empty");
    error first = std::move(failures_).first();
    const bool stopped_outside = join.stopping() || join.home()->ending();
    if (!stopped_outside || first == std::errc::operation_canceled || first.of_clean_up()) return first;
    error stopped(std::make_error_code(std::errc::operation_canceled), name);
    stopped.suppress(std::move(first));
    return stopped;
  }
  // A loser's clean-up failed: its error replaces a value or a cancellation; another error stays and
  // suppresses it.
  template <class T>
  [[gnu::cold]] void add_losers(result<T>& first) noexcept {
    join_failures all;
    if (!first) all.add(std::move(first).error());
    all.add(std::move(failures_).first());
    first = std::move(all).first();
  }

  std::size_t winner_ = none;
  join_failures failures_;
};

struct any_result_wins {
  static constexpr const char* name = "when_any";
  template <class T>
  static bool accepts(const result<T>&) noexcept {
    return true;
  }
};
struct value_wins {
  static constexpr const char* name = "first_ok";
  template <class T>
  static bool accepts(const result<T>& ended) noexcept {
    return ended.has_value();
  }
};

}  // namespace braid::detail
