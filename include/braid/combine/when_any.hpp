#pragma once

#include <stdexcept>
#include <tuple>
#include <utility>
#include <variant>

#include "braid/combine/join.hpp"
#include "braid/loop/io_sender.hpp"

namespace braid {

/// Which operation ended first, counted from 0, and with what.
template <class Value>
struct any_result {
  std::size_t index;
  Value value;
};

namespace detail {

// The first to end decides, with a value or an error; the others are stopped and waited for.
template <class R>
class any_base : public join_base {
 public:
  explicit any_base(R receiver) : receiver_(std::move(receiver)) {}
  [[nodiscard]] async_frame* frame() noexcept { return receiver_.frame(); }

  template <class Child>
  void ended(Child&, std::size_t index) noexcept {
    if (winner_ != nobody) return;
    winner_ = index;
    stop_children();
  }

 protected:
  ~any_base() = default;
  static constexpr std::size_t nobody = ~std::size_t{0};
  template <class Children>
  void start_with(Children& children) noexcept {
    if (!begin(receiver_.get_stop_token())) return std::move(receiver_).finish(no_loop_error("when_any"));
    children.start_all();
    release();
  }
  template <class T>
  void finish(result<T> first) noexcept {
    R receiver = std::move(receiver_);
    std::move(receiver).finish(std::move(first));
  }
  [[nodiscard]] std::size_t winner() const noexcept { return winner_; }

 private:
  R receiver_;
  std::size_t winner_ = nobody;
};

template <class R, sender... S>
class any_of_pack final : public any_base<R> {
 public:
  using value_type = any_result<std::variant<regular<value_of<S>>...>>;
  any_of_pack(std::tuple<S...>&& ops, R receiver)
      : any_base<R>(std::move(receiver)), children_(*this, std::move(ops)) {}
  void start() noexcept { this->start_with(children_); }

 private:
  void complete() noexcept override { pick(std::index_sequence_for<S...>()); }
  template <std::size_t... I>
  void pick(std::index_sequence<I...>) noexcept {
    std::optional<result<value_type>> first;
    children_.apply(
        [&](auto&... each) { ((I == this->winner() ? first.emplace(won<I>(each)), 0 : 0), ...); });
    this->finish(*std::move(first));
  }
  template <std::size_t I, class Child>
  static result<value_type> won(Child& child) noexcept {
    if (!child.ended_result()) return std::move(child.ended_result()).error();
    return capture(
        [&] { return value_type{I, decltype(value_type::value)(std::in_place_index<I>, child.take())}; });
  }
  pack_children<any_of_pack, std::index_sequence_for<S...>, S...> children_;
};

template <class R, sender S>
class any_of_range final : public any_base<R> {
 public:
  using value_type = any_result<regular<value_of<S>>>;
  any_of_range(pool_vector<S>&& ops, R receiver)
      : any_base<R>(std::move(receiver)), children_(*this, std::move(ops)) {}
  void start() noexcept { this->start_with(children_); }

 private:
  void complete() noexcept override {
    if (this->winner() == this->nobody)
      return this->template finish<value_type>(
          error(std::make_exception_ptr(std::invalid_argument("when_any: the range is empty"))));
    auto& child = children_.begin()[this->winner()];
    if (!child.ended_result())
      return this->template finish<value_type>(std::move(child.ended_result()).error());
    this->template finish<value_type>(capture([&] { return value_type{this->winner(), child.take()}; }));
  }
  range_children<any_of_range, S> children_;
};

template <sender... S>
struct any_of_pack_sender {
  using sender_concept = sender_tag;
  using value_type = any_result<std::variant<regular<value_of<S>>...>>;
  std::tuple<S...> ops;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return any_of_pack<R, S...>(std::move(ops), std::move(receiver));
  }
};

template <sender S>
struct any_of_range_sender {
  using sender_concept = sender_tag;
  using value_type = any_result<regular<value_of<S>>>;
  pool_vector<S> ops;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return any_of_range<R, S>(std::move(ops), std::move(receiver));
  }
};

}  // namespace detail

/// The first to end, value or error; the others are stopped, and have ended, before this completes. What a
/// loser had achieved is dropped.
///
/// Cancel  stops all, waits for all.
/// Cost    the operation states are side by side in this one; no allocation.
template <sender_or_factory... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto when_any(S&&... ops) {
  return detail::any_of_pack_sender<sender_of<S>...>{{as_sender(std::forward<S>(ops))...}};
}

/// The same over a range of senders: {index, value}. An empty range fails with std::invalid_argument, since
/// nothing could ever end.
template <sender_range Range>
[[nodiscard]] auto when_any(Range&& ops) {
  return detail::any_of_range_sender<std::ranges::range_value_t<Range>>{
      detail::collect(std::forward<Range>(ops))};
}

}  // namespace braid
