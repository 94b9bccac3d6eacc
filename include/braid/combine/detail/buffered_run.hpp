#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/combine/detail/ahead_run.hpp"
#include "braid/style/async_range.hpp"

namespace braid::detail {

template <class T, class Range>
class buffered_run final : public ahead_run<T> {
  using op = async_range_value_t<Range>;

  // Asks the range for its next operation, one request at a time.
  struct source : ahead_child<source, T, next_of<Range>> {
    source(buffered_run& whole, Range&& from)
        : ahead_child<source, T, next_of<Range>>(whole), run(whole), range(std::forward<Range>(from)) {}
    void ask() noexcept {
      asked = true;
      this->begin([this] { return range.next(); });
    }
    void on_result(result<std::optional<op>> next) noexcept {
      asked = false;
      run.on_next(std::move(next));
    }
    buffered_run& run;
    Range range;  // a reference where the caller passed an lvalue
    bool asked = false;
  };

  // Runs one operation at a time.
  struct slot : ahead_child<slot, T, op>, list_node, pooled {
    explicit slot(buffered_run& whole) noexcept : ahead_child<slot, T, op>(whole), run(whole) {}
    static result<T> kept_of(result<value_of<op>>&& with) noexcept {
      if (!with) return std::move(with).error();
      return capture([&]() -> T {
        if constexpr (std::is_void_v<value_of<op>>)
          return {};
        else
          return *std::move(with);
      });
    }
    void on_result(result<T> with) noexcept {
      if (!with && (run.failed() || run.closing())) run.fail(with.error());
      kept.emplace(std::move(with));
    }
    buffered_run& run;
    std::optional<result<T>> kept;
  };

 public:
  buffered_run(Range&& range, std::size_t limit)
      : source_(*this, std::forward<Range>(range)), limit_(limit) {}
  ~buffered_run() override {
    for (auto* each : {&used_, &idle_})
      while (!each->empty()) delete &each->pop_front();
  }

  void on_next(result<std::optional<op>> next) noexcept {
    slot* const where = next && *next ? room(next) : nullptr;
    open_ = where != nullptr;
    if (!next) {
      source_failure_.emplace(std::move(next).error());
    } else if (where != nullptr) {
      used_.push_back(*where);
      ++used_count_;
      if (this->stopping())
        where->kept.emplace(error(std::errc::operation_canceled));
      else
        where->begin([&] { return **std::move(next); });
    }
    ask();
  }

 private:
  void ask() noexcept override {
    if (std::exchange(asking_, true)) return;  // the element arrived inside the loop below
    while (open_ && !source_.asked && used_count_ < limit_ && !this->stopping()) source_.ask();
    asking_ = false;
  }
  // A used slot, or a new one. Without memory for a new one the source counts as failed.
  template <class Next>
  [[nodiscard]] slot* room(Next& next) noexcept {
    if (!idle_.empty()) return &idle_.pop_front();
    try {
      return new slot(*this);
    } catch (...) {
      next = error::current();
      return nullptr;
    }
  }
  std::optional<result<T>> take() noexcept override {
    if (this->failed()) return std::nullopt;
    if (used_.empty()) {
      if (source_failure_) this->fail(*std::exchange(source_failure_, std::nullopt));
      return std::nullopt;
    }
    slot& first = used_.front();
    if (!first.kept) return std::nullopt;
    result<T> ended = *std::exchange(first.kept, std::nullopt);
    idle_.push_back(used_.pop_front());
    --used_count_;
    if (!ended) {
      this->fail(std::move(ended).error());
      return std::nullopt;
    }
    return std::optional<result<T>>(std::in_place, std::move(ended));
  }
  bool exhausted() const noexcept override { return !open_ && used_.empty(); }
  void clear() noexcept override {
    source_.clear();
    used_.for_each([](slot& each) { each.clear(); });
  }

  source source_;
  const std::size_t limit_;
  intrusive_list<slot> used_;  // running, or ended and not taken yet, in the range's order
  intrusive_list<slot> idle_;  // kept for reuse
  std::size_t used_count_ = 0;
  std::optional<error> source_failure_;
  bool open_ = true;  // the source has not ended
  bool asking_ = false;
};

}  // namespace braid::detail
