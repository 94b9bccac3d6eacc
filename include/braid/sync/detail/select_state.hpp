#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "braid/core/any_result.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/sync/detail/select_range.hpp"

namespace braid {
enum class select_order : std::uint8_t;
}  // namespace braid

namespace braid::detail {

template <class... B>
struct selected {
  using value = any_result<std::variant<regular<typename select_child<B>::value_type>...>>;
};
template <class Range>
struct selected<select_range<Range>> {
  using value = typename select_child<select_range<Range>>::value_type;
};
template <class... B>
using selected_value = typename selected<B...>::value;

template <std::size_t I, class B>
struct select_slot {
  select_slot(select_base& owner, B&& branch) : child(owner, std::move(branch)) {}
  select_child<B> child;
};

template <class Indices, class... B>
class select_children_of;
template <class... B>
using select_children = select_children_of<std::index_sequence_for<B...>, B...>;

// The operations of a select. Base classes in place of a std::tuple: they are constructed in their order.
template <std::size_t... I, class... B>
class select_children_of<std::index_sequence<I...>, B...> : public select_base, select_slot<I, B>... {
 public:
  using value_type = selected_value<B...>;

  // The number of the first operation that is done at once, or `none`.
  [[nodiscard]] std::size_t try_all(select_order order) {
    const bool from_anywhere = static_cast<bool>(order) && size() > 1;
    const std::size_t first = from_anywhere ? loop::current("select").operations().choose(size()) : 0;
    const std::size_t number = try_between(first, size());
    return number == none && first != 0 ? try_between(0, first) : number;
  }
  // The result of the chosen operation.
  template <std::size_t J = 0>
  [[nodiscard]] result<value_type> take(std::size_t number) noexcept {
    if constexpr (J + 1 < sizeof...(B))
      if (!child<J>().contains(number)) return take<J + 1>(number);
    return taken<J>(number);
  }

 protected:
  explicit select_children_of(std::tuple<B...>&& branches)
      : select_slot<I, B>(*this, std::get<I>(std::move(branches)))... {}
  ~select_children_of() { leave_queues(); }  // all of them, before one hands over to others

  [[nodiscard]] bool any_enabled() noexcept { return (child<I>().enabled() || ...); }
  void begin_all() noexcept {
    const deferred_withdrawals afterwards;  // a wait that begins may lead to a hand-over to one of these
    (begin<I>(), ...);
  }

 private:
  template <std::size_t J, class Branch>
  static select_child<Branch>& child_in(select_slot<J, Branch>& slot) noexcept {
    return slot.child;
  }
  template <std::size_t J>
  [[nodiscard]] auto& child() noexcept {
    return child_in<J>(*this);
  }
  [[nodiscard]] std::size_t try_between(std::size_t from, std::size_t to) {
    std::size_t number = none;
    (void)((number = child<I>().try_between(from, to), number != none) || ...);
    return number;
  }
  template <std::size_t J>
  void begin() noexcept {
    if (has_decided()) return;  // the wait of an earlier child led to the decision
    child<J>().begin([&](const auto& one) { return (covers<J, I>(one) || ...); });
  }
  template <std::size_t J, std::size_t Earlier>
  [[nodiscard]] bool covers(const auto& one) noexcept {
    if constexpr (Earlier < J) return child<Earlier>().covers(one);
    return false;
  }
  void leave_queues() noexcept final { (child<I>().leave_queue(), ...); }
  void report_withdrawals() noexcept final { (child<I>().report_withdrawal(), ...); }
  template <std::size_t J>
  [[nodiscard]] result<value_type> taken(std::size_t number) noexcept {
    auto value = child<J>().take_numbered(number);
    if constexpr (std::is_same_v<decltype(value), result<value_type>>) {
      return value;
    } else {
      if (!value) return std::move(value).error();
      return capture([&] {
        if constexpr (std::is_void_v<typename decltype(value)::value_type>)
          return value_type{J, decltype(value_type::value)(std::in_place_index<J>)};
        else
          return value_type{J, decltype(value_type::value)(std::in_place_index<J>, *std::move(value))};
      });
    }
  }
};

template <class R, class... B>
class select_state final : public select_children<B...> {
 public:
  select_state(select_order order, std::tuple<B...>&& branches, R receiver)
      : select_children<B...>(std::move(branches)), order_(order), receiver_(std::move(receiver)) {}

  void start() noexcept {
    loop* const home = loop::current_or_null();
    if (home == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error("select"));
    this->begin_on(*home);
    std::size_t now = select_base::none;
    try {
      if (!this->any_enabled())
        return std::move(receiver_).finish(invalid_argument_error("select", "all operations are disabled"));
      now = this->try_all(order_);
    } catch (...) {
      return std::move(receiver_).finish(error::current());
    }
    if (now != select_base::none) return finish(now);
    this->begin_all();
    this->obey(receiver_.get_stop_token());
  }

 private:
  void complete() noexcept override { finish(this->choice()); }
  void finish(std::size_t number) noexcept {
    R receiver = std::move(receiver_);
    if (number == select_base::none)
      return std::move(receiver).finish(error(std::make_error_code(std::errc::operation_canceled), "select"));
    std::move(receiver).finish(this->take(number));
  }

  const select_order order_;
  R receiver_;
};

template <class... B>
using select_sender = argument_sender<select_state, selected_value<B...>, select_order, std::tuple<B...>>;

// A select that does not wait.
template <class... B>
class select_attempt final : public select_children<B...> {
 public:
  explicit select_attempt(std::tuple<B...>&& branches) : select_children<B...>(std::move(branches)) {}
  [[nodiscard]] std::optional<selected_value<B...>> make(select_order order) {
    const std::size_t now = this->try_all(order);
    if (now == select_base::none) return std::nullopt;
    return this->take(now).value();
  }

 private:
  void complete() noexcept override {}
};

}  // namespace braid::detail
