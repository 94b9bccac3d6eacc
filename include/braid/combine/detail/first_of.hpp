#pragma once

#include <optional>
#include <tuple>
#include <utility>
#include <variant>

#include "braid/combine/detail/join.hpp"
#include "braid/core/any_result.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

// The first result that Rule accepts wins, and stops the other operations. If Rule accepts none, the first
// error is the join's, with the others in its suppressed().
template <class Rule, class R>
class first_base : public join_base {
 public:
  explicit first_base(R receiver) : receiver_(std::move(receiver)) {}
  [[nodiscard]] async_frame* frame() noexcept { return receiver_.frame(); }

  template <class Child>
  void on_finish(Child& child, std::size_t index) noexcept {
    auto& ended = child.ended_result();
    if (winner_ != none) {
      if (!ended && ended.error().of_clean_up()) [[unlikely]]
        failures_.add(std::move(ended).error());
      return;
    }
    if (!ended && this->stopping()) ended.error().set_requested(true);
    if (!Rule::decides(ended)) return failures_.add(std::move(ended).error());
    winner_ = index;
    failures_.clear();
    stop_children();
  }

 protected:
  ~first_base() = default;
  static constexpr std::size_t none = ~std::size_t{0};
  template <class Children>
  void start_with(Children& children) noexcept {
    if (!begin(receiver_.get_stop_token())) return std::move(receiver_).finish(no_loop_error(Rule::name));
    children.start_all();
    release();
  }
  template <class T>
  void finish(result<T> first) noexcept {
    R receiver = std::move(receiver_);
    if (winner_ != none && failures_.any()) [[unlikely]]
      add_losers(first);
    std::move(receiver).finish(std::move(first));
  }
  [[nodiscard]] std::size_t winner() const noexcept { return winner_; }
  [[nodiscard]] error failure() noexcept {
    if (failures_.any()) return stopped_or(std::move(failures_).first());
    return invalid_argument_error(Rule::name, "the range is empty");
  }

 private:
  // A loser's clean-up failed: its error replaces a value or a cancellation; another error stays and
  // suppresses it.
  template <class T>
  [[gnu::cold]] void add_losers(result<T>& first) noexcept {
    join_failures all;
    if (!first) all.add(std::move(first).error());
    all.add(std::move(failures_).first());
    first = std::move(all).first();
  }
  // If the join was stopped from outside, or by the loop's end, while only some had failed, another operation
  // might have succeeded: the join ends as cancelled.
  [[nodiscard]] error stopped_or(error first) noexcept {
    const bool stopped_outside = this->stopping() || (this->home() != nullptr && this->home()->ending());
    if (!stopped_outside || first == std::errc::operation_canceled || first.of_clean_up()) return first;
    error stopped(std::make_error_code(std::errc::operation_canceled), Rule::name);
    stopped.suppress(std::move(first));
    return stopped;
  }
  R receiver_;
  std::size_t winner_ = none;
  [[no_unique_address]] join_failures failures_;
};

template <class Rule, class R, sender... S>
class first_of_pack final : public first_base<Rule, R> {
 public:
  using value_type = any_result<std::variant<regular<value_of<S>>...>>;
  first_of_pack(std::tuple<S...>&& ops, R receiver)
      : first_base<Rule, R>(std::move(receiver)), children_(*this, std::move(ops)) {}
  void start() noexcept { this->start_with(children_); }

 private:
  void complete() noexcept override { pick(std::index_sequence_for<S...>()); }
  template <std::size_t... I>
  void pick(std::index_sequence<I...>) noexcept {
    std::optional<result<value_type>> first;
    children_.apply(
        [&](auto&... each) { ((I == this->winner() ? void(first.emplace(won<I>(each))) : void()), ...); });
    this->finish(first ? *std::move(first) : result<value_type>(this->failure()));
  }
  template <std::size_t I, class Child>
  static result<value_type> won(Child& child) noexcept {
    if (!child.ended_result()) return std::move(child.ended_result()).error();
    return capture(
        [&] { return value_type{I, decltype(value_type::value)(std::in_place_index<I>, child.take())}; });
  }
  pack_children<first_of_pack, std::index_sequence_for<S...>, S...> children_;
};

template <class Rule, class R, sender S>
class first_of_range final : public first_base<Rule, R> {
 public:
  using value_type = any_result<regular<value_of<S>>>;
  first_of_range(pool_vector<S>&& ops, R receiver)
      : first_base<Rule, R>(std::move(receiver)), children_(*this, std::move(ops)) {}
  void start() noexcept { this->start_with(children_); }

 private:
  void complete() noexcept override {
    if (this->winner() == this->none) return this->template finish<value_type>(this->failure());
    auto& child = children_.begin()[this->winner()];
    if (!child.ended_result())
      return this->template finish<value_type>(std::move(child.ended_result()).error());
    this->template finish<value_type>(capture([&] { return value_type{this->winner(), child.take()}; }));
  }
  range_children<first_of_range, S> children_;
};

template <class Rule, sender... S>
struct first_of_pack_sender {
  using sender_concept = sender_tag;
  using value_type = any_result<std::variant<regular<value_of<S>>...>>;
  std::tuple<S...> ops;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return first_of_pack<Rule, R, S...>(std::move(ops), std::move(receiver));
  }
};

template <class Rule, sender S>
struct first_of_range_sender {
  using sender_concept = sender_tag;
  using value_type = any_result<regular<value_of<S>>>;
  pool_vector<S> ops;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return first_of_range<Rule, R, S>(std::move(ops), std::move(receiver));
  }
};

// The rules of when_any and first_ok.
struct any_rule {
  static constexpr const char* name = "when_any";
  template <class T>
  static bool decides(const result<T>&) noexcept {
    return true;
  }
};
struct ok_rule {
  static constexpr const char* name = "first_ok";
  template <class T>
  static bool decides(const result<T>& ended) noexcept {
    return ended.has_value();
  }
};

}  // namespace braid::detail
