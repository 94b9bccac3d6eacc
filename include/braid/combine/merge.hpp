#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/combine/detail/ahead_run.hpp"
#include "braid/combine/detail/running_ahead.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/style/async_range.hpp"

namespace braid {

namespace detail {

// One of the ranges, with its type erased. It is in a list while no next() of it is in flight.
template <class T>
class merge_source : public list_node, public pooled {
 public:
  virtual ~merge_source() {
    if (linked()) unlink();
  }
  virtual void ask() noexcept = 0;
  virtual void clear() noexcept = 0;
  [[nodiscard]] std::optional<result<T>> take() noexcept { return std::exchange(element_, std::nullopt); }

 protected:
  std::optional<result<T>> element_;
};

template <class T>
class merge_run final : public ahead_run<T> {
 public:
  template <async_range Range>
  void add(Range&& range);
  void came(merge_source<T>& source) noexcept { ready_.push_back(source); }
  void ended() noexcept { --open_; }

 private:
  void ask() noexcept override {
    while (!idle_.empty() && !this->stopping()) idle_.pop_front().ask();
  }
  std::optional<result<T>> take() noexcept override {
    if (ready_.empty()) return std::nullopt;
    merge_source<T>& first = ready_.pop_front();
    idle_.push_back(first);
    return first.take();
  }
  bool exhausted() const noexcept override { return open_ == 0; }
  void clear() noexcept override {
    for (auto& each : sources_) each->clear();
  }

  intrusive_list<merge_source<T>> idle_;   // their last element was taken: to be asked
  intrusive_list<merge_source<T>> ready_;  // have an element, in the order of arrival
  std::size_t open_ = 0;
  pool_vector<std::unique_ptr<merge_source<T>>> sources_;
};

template <class T, class Range>
class merge_source_of final : public merge_source<T>,
                              public ahead_child<merge_source_of<T, Range>, T, next_of<Range>> {
  using child = ahead_child<merge_source_of, T, next_of<Range>>;

 public:
  merge_source_of(merge_run<T>& run, Range&& range)
      : child(run), run_(run), range_(std::forward<Range>(range)) {}

  void ask() noexcept override {
    child::begin([this] { return range_.next(); });
  }
  void clear() noexcept override { child::clear(); }
  void on_finish(result<std::optional<async_range_value_t<Range>>> next) noexcept {
    if (!next || !*next) run_.ended();
    if (!next) return run_.fail(std::move(next).error());
    if (!*next) return;
    try {
      this->element_.emplace(std::in_place, **std::move(next));
    } catch (...) {
      run_.ended();
      return run_.fail(error::current());
    }
    run_.came(*this);
  }

 private:
  merge_run<T>& run_;
  Range range_;  // a reference where the caller passed an lvalue
};

template <class T>
template <async_range Range>
void merge_run<T>::add(Range&& range) {
  sources_.push_back(std::make_unique<merge_source_of<T, Range>>(*this, std::forward<Range>(range)));
  idle_.push_back(*sources_.back());
  ++open_;
}

}  // namespace detail

/// A range whose elements are async ranges.
template <class Ranges>
concept range_of_async_ranges =
    std::ranges::input_range<Ranges> && async_range<std::ranges::range_value_t<Ranges>>;

/// An async range that gives the elements of several ranges in the order in which they arrive, as
/// running_ahead<T>. Each next() asks every range whose last element was taken, so each range is at most one
/// element ahead.
///
/// Lifetime  rvalues are moved in; lvalues must live until the operations in flight have ended.
/// Errors    when a range fails, the elements that arrived before are given first; the other ranges are
///           stopped and waited for.
template <async_range... Ranges>
  requires(sizeof...(Ranges) > 0)
[[nodiscard]] auto merge(Ranges&&... ranges) {
  using value = std::common_type_t<async_range_value_t<Ranges>...>;
  auto* const run = new detail::merge_run<value>;
  detail::running_ahead<value> merged(*run);
  (run->add(std::forward<Ranges>(ranges)), ...);
  return merged;
}

/// The same over a range of ranges, which are moved out of it. Without any range there are no elements.
template <range_of_async_ranges Ranges>
  requires(!async_range<Ranges>)
[[nodiscard]] auto merge(Ranges&& ranges) {
  using value = async_range_value_t<std::ranges::range_value_t<Ranges>>;
  auto* const run = new detail::merge_run<value>;
  detail::running_ahead<value> merged(*run);
  for (auto&& each : ranges) run->add(std::ranges::range_value_t<Ranges>(std::move(each)));
  return merged;
}
template <class... X>
  requires(!(async_range<X> && ...) && !(range_of_async_ranges<X> && ...))
detail::anything merge(X&&...) {
  static_assert(
      (async_range<X> && ...),
      "merge takes async_ranges, such as async_generator<T>, or one range of them: a type with a next() "
      "that gives a std::optional, empty at the end");
  return {};
}

}  // namespace braid
