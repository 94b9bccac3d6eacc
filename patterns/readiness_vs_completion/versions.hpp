#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "contract.hpp"
#include "stage/in_style.hpp"

namespace readiness_vs_completion {

namespace blocking { void answer(visit& at); }
namespace callbacks { void answer(visit& at, handler<void> done); }
namespace futures { future<void> answer(visit& at); }
namespace coroutines { task<> answer(visit& at); }
namespace fibers { void answer(visit& at); }

inline constexpr std::array every_reactor{backend::uring, backend::epoll};

[[nodiscard]] constexpr std::string_view name_of(backend which) {
  return which == backend::epoll ? "epoll" : "io_uring";
}

/// Handles one question and its answer in one style, inside a running loop.
inline task<> answer(stage::style how, visit& at) {
  constexpr stage::versions all{blocking::answer, callbacks::answer, futures::answer, coroutines::answer,
                                fibers::answer};
  return stage::task_in_style(how, all, at);
}

namespace detail {

inline task<> attend(stage::style how, tcp::stream visitor, const shelf& from, unsigned questions) {
  visit at{std::move(visitor), from};
  for (unsigned n = 0; n < questions; ++n) co_await answer(how, at);
}

inline task<> attend_all(stage::style how, const tcp::listener& door, const shelf& from, visitors who) {
  const auto desks = [&](scope& here) -> task<> {
    for (unsigned n = 0; n < who.many; ++n) {
      tcp::stream next = co_await door.accept();
      (void)here.spawn(attend(how, std::move(next), from, who.questions));
    }
  };
  co_await with_scope(desks);
}

}  // namespace detail

/// Serves all visitors on this thread's loop: at once, or one after the other if the style is blocking.
inline void serve(stage::style how, const tcp::listener& door, const shelf& from, visitors who) {
  if (how != stage::style::blocking) return run(detail::attend_all(how, door, from, who));
  for (unsigned n = 0; n < who.many; ++n) {
    visit at{run(door.accept()), from};
    for (unsigned i = 0; i < who.questions; ++i) blocking::answer(at);
  }
}

}  // namespace readiness_vs_completion
