#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/concurrent_slot.hpp"
#include "braid/combine/detail/element_source.hpp"
#include "braid/combine/detail/join_base.hpp"
#include "braid/combine/detail/join_failures.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

template <class Held>
using element_type = typename element_of<std::unwrap_reference_t<Held>>::type;

// The sender that fn makes of an element.
template <class Held, class F>
using operation_on = sender_of<std::invoke_result_t<F&, typename element_type<Held>::template argument<F>>>;

// Walks along a range and starts an operation on each element, at most `limit` at once. When operations end
// at once, the loop in pump starts the next ones, so that starts do not nest; after operations_per_turn of
// them other work of the loop gets its turn.
//
// Outcome decides what becomes of the results: keeps_errors, whether an error counts as a result; name;
// begun(index), called before an operation starts; keep(index, result); take(), the value.
template <class Held, class F, class Outcome, class R>
class concurrent_walk final : public join_base, operation_base {
 public:
  using slot = concurrent_slot<concurrent_walk, element_type<Held>, operation_on<Held, F>>;
  using value_type = typename Outcome::value_type;

  concurrent_walk(Held&& range, std::size_t limit, F fn, R receiver)
      : operation_base(on_turn),
        source_(std::move(range)),
        limit_(limit),
        fn_(std::move(fn)),
        receiver_(std::move(receiver)) {}
  ~concurrent_walk() {
    while (slots_ != nullptr) slots_ = std::move(slots_->made_before_);
  }
  [[nodiscard]] async_frame* frame() noexcept { return receiver_.frame(); }

  void start() noexcept {
    if (!begin(receiver_.get_stop_token())) return std::move(receiver_).finish(no_loop_error(Outcome::name));
    if (limit_ == 0)
      failures_.add(invalid_argument_error(Outcome::name, "the limit is 0"));
    else
      pump();
    release();
  }

  // For the source.
  [[nodiscard]] slot& room() {
    if (free_ == nullptr) {
      slots_ = std::make_unique<slot>(*this, std::move(slots_));
      free_ = slots_.get();
    }
    outcome_.begun(begun_);
    return *free_;
  }
  void begin_in(slot& where) noexcept {
    hold();
    free_ = where.next_free;
    ++running_;
    where.begin(fn_, begun_++);
  }
  void source_ended() noexcept { source_ended_ = true; }
  void source_failed(error why) noexcept {
    source_ended_ = true;
    fail(std::move(why), !Outcome::keeps_errors);
  }
  void source_waits() noexcept {
    hold();
    waiting_ = true;
  }
  void on_source_ready() noexcept {
    waiting_ = false;
    pump();
    release();
  }

  // For the slots.
  template <class T>
  void on_finish(slot& where, std::size_t index, result<T>&& with) noexcept {
    where.next_free = std::exchange(free_, &where);
    --running_;
    if (with || Outcome::keeps_errors) {
      if (!with && with.error().of_clean_up()) lost_.add(with.error());
      keep(index, std::move(with));
    } else {
      fail(std::move(with).error(), true);
    }
    pump();
    release();
  }

 private:
  void pump() noexcept {
    if (pumping_) return;
    hold();
    pumping_ = true;
    int left = home()->options().operations_per_turn;
    for (; wants_more() && left > 0; --left) source_.pull(*this);
    if (wants_more()) {
      hold();
      waiting_ = true;
      home()->operations().make_ready(*this);
    }
    pumping_ = false;
    release();
  }
  [[nodiscard]] bool wants_more() noexcept {
    if (source_ended_ || waiting_ || running_ == limit_) return false;
    if (home()->ending())
      stop_children(stop_reason::requested);  // an endless range would keep the loop from ending
    return !stopping();
  }
  static void on_turn(operation_base& base, completion) noexcept {
    static_cast<concurrent_walk&>(base).on_source_ready();
  }

  template <class T>
  void keep(std::size_t index, result<T>&& with) noexcept {
    try {
      outcome_.keep(index, std::move(with));
    } catch (...) {
      fail(error::current(), true);  // moving the value threw
    }
  }
  void fail(error why, bool stops) noexcept {
    stops = stops && !failures_.any();
    failures_.add(std::move(why), stopping());
    if (stops) stop_children(stop_reason::sibling_failed);
  }

  void complete() noexcept override {
    R receiver = std::move(receiver_);
    if (!source_ended_ && !failures_.any())
      failures_.add(error(std::make_error_code(std::errc::operation_canceled), Outcome::name), stopping());
    if (failures_.any()) {
      if (lost_.any()) failures_.add(std::move(lost_).first());
      return std::move(receiver).finish(std::move(failures_).first());
    }
    result<value_type> all = capture([this] { return outcome_.take(); });
    std::move(receiver).finish(std::move(all));
  }

  source_of<concurrent_walk, Held> source_;
  const std::size_t limit_;
  F fn_;
  R receiver_;
  std::size_t begun_ = 0;
  std::size_t running_ = 0;
  bool pumping_ = false;
  bool waiting_ = false;  // for the source's next element, or for the next turn
  bool source_ended_ = false;
  join_failures failures_;
  join_failures lost_;  // failed clean-ups, which are otherwise only in the results
  Outcome outcome_;
  slot* free_ = nullptr;
  std::unique_ptr<slot> slots_;  // all of them
};

template <class Held, class F, class Outcome>
struct concurrent_sender {
  using sender_concept = sender_tag;
  using value_type = typename Outcome::value_type;
  Held range;
  std::size_t limit;
  F fn;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return concurrent_walk<Held, F, Outcome, R>(std::move(range), limit, std::move(fn), std::move(receiver));
  }
};

template <template <class> class Outcome, class Range, class F>
auto walk_concurrently(Range&& range, std::size_t limit, F&& fn) {
  using held = held_range<Range>;
  using outcome = Outcome<value_of<operation_on<held, std::decay_t<F>>>>;
  return concurrent_sender<held, std::decay_t<F>, outcome>{hold_range(std::forward<Range>(range)), limit,
                                                           std::forward<F>(fn)};
}

/// fn makes an operation of each element of Range, which is a range (possibly lazy or endless) or an
/// async_range.
template <class F, class Range>
concept operation_for = (std::ranges::input_range<Range> || async_range<Range>) && requires {
  typename held_range<Range>;
} && sender<operation_on<held_range<Range>, std::decay_t<F>>>;

/// The compile-time error for an argument that is no range, or no function of its elements.
template <class Range, class F>
anything walks_range() {
  constexpr bool is_range = std::ranges::input_range<Range> || async_range<Range>;
  constexpr bool fn_fits = operation_for<F, Range>;
  if constexpr (!is_range && requires(std::remove_cvref_t<Range>& range) { range.next(); })
    static_assert(is_range,
                  "this walks a range or an async_range, whose next() gives a std::optional, empty at the "
                  "end. For an endless source such as listener::incoming() write a loop: "
                  "s.spawn(handle(co_await arrivals.next())) in with_scope");
  else if constexpr (!is_range)
    static_assert(is_range, "this walks a range or an async_range of elements: it takes (range, limit, fn)");
  else
    static_assert(
        fn_fits,
        "fn(element) must be an operation: a function of one element that returns a sender or an awaitable");
  return {};
}

}  // namespace braid::detail
