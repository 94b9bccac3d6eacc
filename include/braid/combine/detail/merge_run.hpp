#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/detail/pool_vector.hpp"
#include "braid/combine/detail/ahead_source.hpp"
#include "braid/style/async_range.hpp"

namespace braid::detail {

// One of the ranges, with its type erased. It is in a list while no next() of it is in flight.
template <class T>
class merge_source : public list_node, public pooled {
 public:
  virtual ~merge_source() {
    if (linked()) unlink();
  }
  virtual void ask() noexcept = 0;
  virtual void clear() noexcept = 0;
  std::optional<T> kept;
};

template <class T>
class merge_run final : public ahead_run<T> {
  using typename ahead_run<T>::element;

 public:
  template <async_range Range>
  void add(Range&& range);
  void on_element(merge_source<T>& source) noexcept { ready_.push_back(source); }
  void on_idle(merge_source<T>& source) noexcept { idle_.push_back(source); }
  void ended() noexcept { --open_; }

 private:
  void ask() noexcept override {
    while (!idle_.empty() && !this->stopping()) idle_.pop_front().ask();
  }
  bool take(element& to) noexcept override {
    if (ready_.empty()) return false;
    merge_source<T>& first = ready_.pop_front();
    idle_.push_back(first);
    const bool taken = this->put(to, *std::move(first.kept));
    first.kept.reset();
    return taken;
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
  void on_result(result<std::optional<async_range_value_t<Range>>>&& next) noexcept {
    if (!next && run_.cut_short(next.error())) return run_.on_idle(*this);
    if (!next || !*next) run_.ended();
    if (!next) return run_.fail(std::move(next).error());
    if (!*next) return;
    try {
      this->kept.emplace(**std::move(next));
    } catch (...) {
      run_.ended();
      return run_.fail(error::current());
    }
    run_.on_element(*this);
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

}  // namespace braid::detail
