#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "braid/combine/detail/ahead_child.hpp"
#include "braid/style/async_range.hpp"

namespace braid::detail {

// One of the ranges of an ahead_run, asked for one element at a time. Run has on_element(source, element),
// on_source_end(source), on_source_failure(source, error), and what ahead_run has. Index distinguishes ranges
// of one type.
template <class Run, class Range, std::size_t Index = 0>
class ahead_source
    : public ahead_child<ahead_source<Run, Range, Index>, typename Run::value_type, next_of<Range>> {
  using child = ahead_child<ahead_source, typename Run::value_type, next_of<Range>>;

 public:
  using element = async_range_value_t<Range>;
  ahead_source(Run& run, Range&& from) : child(run), run_(run), range_(std::forward<Range>(from)) {}

  /// Neither asked nor at its end.
  [[nodiscard]] bool is_idle() const noexcept { return open_ && !asked_; }
  [[nodiscard]] bool is_open() const noexcept { return open_; }
  /// Asks it no more.
  void end() noexcept { open_ = false; }
  void ask() noexcept {
    asked_ = true;
    this->begin([this] { return range_.next(); });
  }
  void on_result(result<std::optional<element>>&& next) noexcept {
    asked_ = false;
    if (!next) {
      if (run_.ending_early() && next.error() == std::errc::operation_canceled) return;
      if (run_.cut_short(next.error())) return;
      open_ = false;
      run_.on_source_failure(*this, std::move(next).error());
    } else if (!*next) {
      open_ = false;
      run_.on_source_end(*this);
    } else {
      try {
        run_.on_element(*this, **std::move(next));
      } catch (...) {
        open_ = false;
        run_.on_source_failure(*this, error::current());
      }
    }
  }

 private:
  Run& run_;
  Range range_;  // a reference where the caller passed an lvalue
  bool asked_ = false;
  bool open_ = true;
};

}  // namespace braid::detail
