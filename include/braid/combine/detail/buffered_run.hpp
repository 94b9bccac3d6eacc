#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/combine/detail/ahead_source.hpp"
#include "braid/style/async_range.hpp"

namespace braid::detail {

// Make makes an operation of each element.
template <class T, class Range, class Make>
class buffered_run final : public ahead_run<T> {
  using from = async_range_value_t<Range>;
  using op = std::remove_cvref_t<std::invoke_result_t<Make&, from&&>>;
  using source = ahead_source<buffered_run, Range>;
  using typename ahead_run<T>::element;

  // Runs one operation at a time.
  struct slot : ahead_child<slot, T, op>, list_node, pooled {
    explicit slot(buffered_run& whole) noexcept : ahead_child<slot, T, op>(whole), run(whole) {}
    static result<T> kept_of(result<value_of<op>>&& with) noexcept
      requires(!std::is_same_v<T, value_of<op>>)
    {
      if (!with) return std::move(with).error();
      return capture([&]() -> T {
        if constexpr (std::is_void_v<value_of<op>>)
          return {};
        else
          return *std::move(with);
      });
    }
    void on_result(result<T>&& with) noexcept {
      if (!with && (run.failed() || run.closing())) run.fail(with.error());
      kept.emplace(std::move(with));
    }
    buffered_run& run;
    std::optional<result<T>> kept;
  };

 public:
  // ended: how the range has ended already, if it has.
  buffered_run(Range&& range, Make make, std::size_t limit, std::optional<result<void>> ended)
      : source_(*this, std::forward<Range>(range)), make_(std::move(make)), limit_(limit) {
    if (!ended) return;
    source_.end();
    if (!*ended) source_failure_.emplace(std::move(*ended).error());
  }
  ~buffered_run() override {
    for (auto* each : {&used_, &idle_})
      while (!each->empty()) delete &each->pop_front();
  }

  // For the source.
  void on_element(source&, from&& next) {
    if (this->stopping()) {
      unbegun_.emplace(std::move(next));
    } else {
      begin(std::move(next));
      ask();
    }
  }
  void on_source_end(source&) noexcept {}
  void on_source_failure(source&, error why) noexcept { source_failure_.emplace(std::move(why)); }

 private:
  void ask() noexcept override {
    if (std::exchange(asking_, true)) return;  // the element arrived inside the loop below
    if (unbegun_) [[unlikely]]
      begin_late();
    while (used_count_ < limit_ && source_.is_idle() && !this->stopping()) source_.ask();
    asking_ = false;
  }
  void begin(from&& next) {
    slot& where = idle_.empty() ? *new slot(*this) : idle_.pop_front();
    used_.push_back(where);
    ++used_count_;
    where.begin([&]() -> decltype(auto) { return make_(std::move(next)); });
  }
  void begin_late() noexcept {
    try {
      begin(*std::move(unbegun_));
    } catch (...) {
      on_source_failure(source_, error::current());
    }
    unbegun_.reset();
  }
  bool take(element& to) noexcept override {
    if (this->failed()) return false;
    if (used_.empty()) {
      if (source_failure_) this->fail(*std::exchange(source_failure_, std::nullopt));
      return false;
    }
    slot& first = used_.front();
    if (!first.kept) return false;
    if (!*first.kept) {
      this->fail(std::move(*first.kept).error());
      return false;
    }
    const bool taken = this->put(to, **std::move(first.kept));
    first.kept.reset();
    idle_.push_back(used_.pop_front());
    --used_count_;
    return taken;
  }
  bool exhausted() const noexcept override { return !source_.is_open() && used_.empty() && !unbegun_; }
  void clear() noexcept override {
    source_.clear();
    used_.for_each([](slot& each) { each.clear(); });
  }

  source source_;
  [[no_unique_address]] Make make_;
  const std::size_t limit_;
  intrusive_list<slot> used_;  // running, or ended and not taken yet, in the range's order
  intrusive_list<slot> idle_;  // kept for reuse
  std::size_t used_count_ = 0;
  std::optional<from> unbegun_;  // arrived in spite of a stop request
  std::optional<error> source_failure_;
  bool asking_ = false;
};

}  // namespace braid::detail
