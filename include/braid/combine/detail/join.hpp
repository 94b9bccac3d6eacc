#pragma once

#include <cstddef>
#include <ranges>
#include <tuple>
#include <utility>

#include "braid/combine/detail/join_base.hpp"
#include "braid/combine/detail/join_children.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/core/sender_range.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/style/detail/awaitable_sender.hpp"

namespace braid::detail {

// A join that starts all of its operations at once. Its rule decides what their results mean.
//
// Rule::name                             of the public function
// Rule::value_type<Ops>
// rule.on_finish(result, index, join)    an operation has ended; true stops the others
// Rule::why(index)                       the reason, when that operation does
// rule.result_of<T>(children, join)      the result of the whole, once all have ended
template <class Rule, class Ops, class R>
class join_state final : public join_base {
 public:
  using value_type = typename Rule::template value_type<Ops>;

  join_state(Ops&& ops, R receiver) : receiver_(std::move(receiver)), children_(*this, std::move(ops)) {}
  [[nodiscard]] async_frame* frame() noexcept { return receiver_.frame(); }

  void start() noexcept {
    if (!begin(receiver_.get_stop_token())) return std::move(receiver_).finish(no_loop_error(Rule::name));
    children_.start_all();
    release();
  }
  template <class T>
  void on_finish(result<T>& ended, std::size_t index) noexcept {
    if (rule_.on_finish(ended, index, *this)) stop_children(Rule::why(index));
  }

 private:
  void complete() noexcept override {
    R receiver = std::move(receiver_);
    result<value_type> ended = rule_.template result_of<value_type>(children_, *this);
    std::move(receiver).finish(std::move(ended));
  }

  R receiver_;
  [[no_unique_address]] Rule rule_;
  join_children<join_state, Ops> children_;
};

template <class Rule, class Ops>
struct join_sender {
  using sender_concept = sender_tag;
  using value_type = typename Rule::template value_type<Ops>;
  Ops ops;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return join_state<Rule, Ops, R>(std::move(ops), std::move(receiver));
  }
};

template <class Rule, sender_or_factory... S>
auto join(S&&... ops) {
  return join_sender<Rule, std::tuple<sender_of<S>...>>{{as_sender(std::forward<S>(ops))...}};
}
template <class Rule, sender_range Range>
auto join_range(Range&& range) {
  pool_vector<sender_of<std::ranges::range_value_t<Range>>> ops;
  if constexpr (std::ranges::sized_range<Range>) ops.reserve(std::ranges::size(range));
  for (auto&& each : range) ops.push_back(as_sender(std::move(each)));
  return join_sender<Rule, decltype(ops)>{std::move(ops)};
}

/// Arguments that the joins reject: neither operations nor one range of them.
template <class... X>
concept no_join_of =
    sizeof...(X) > 0 && !(sender_or_factory<X> && ...) && !(sizeof...(X) == 1 && (sender_range<X> && ...));

}  // namespace braid::detail
