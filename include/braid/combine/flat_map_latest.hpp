#pragma once

#include <type_traits>
#include <utility>

#include "braid/combine/detail/flat_map_latest_run.hpp"
#include "braid/combine/detail/running_ahead.hpp"
#include "braid/combine/flat_map.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/detail/async_stage.hpp"

namespace braid {

/// An async range that makes an inner range of each element of another one, f(element), and gives the
/// elements of the newest inner range. A newer element stops the inner range before it.
///
///     async_generator<job> jobs_of(std::string source) { co_yield job{std::stoi(co_await fetch(source))}; }
///     channel<std::string> sources(4);
///     auto jobs = sources.elements() | flat_map_latest(jobs_of);
///     while (const auto next = co_await jobs.next()) work_on(*next);
///
/// No two inner ranges run at once: the newer one is made when the next() of the older one has ended, and its
/// close() if it has one, as merge has. An element of the outer range that a newer one replaces before that
/// makes no inner range. An element that was taken from an inner range before that was stopped is given; one
/// that arrives afterwards is dropped.
///
/// Lifetime  an rvalue range is moved in; an lvalue must live until the operations in flight have ended. An
///           element lives as long as the inner range that was made of it.
/// Errors    an error of a range or of f stops the other one, waits for it, and ends this one. What a stopped
///           inner range fails with, other than its cancellation, counts, too.
/// Cancel    a cancelled next() stops both ranges and waits for them; the following next() goes on where they
///           do.
/// Cost      one block of the frame pool; nothing per element, and nothing per inner range but its own.
template <async_range Range, class F>
  requires makes_async_range<std::decay_t<F>, Range>
[[nodiscard]] auto flat_map_latest(Range&& range, F&& f) {
  using run = detail::flat_map_latest_run<std::decay_t<F>, Range>;
  return detail::running_ahead<typename run::value_type>(
      *new run(std::forward<Range>(range), std::forward<F>(f)));
}
/// flat_map_latest, to be written behind a |.
template <class F>
[[nodiscard]] auto flat_map_latest(F&& f) {
  return detail::async_stage{[f = std::decay_t<F>(std::forward<F>(f))]<class Range>(Range&& range) mutable {
    return flat_map_latest(std::forward<Range>(range), std::move(f));
  }};
}

}  // namespace braid
