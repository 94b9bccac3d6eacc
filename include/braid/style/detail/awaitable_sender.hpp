#pragma once

#include <type_traits>
#include <utility>

#include "braid/core/awaitable.hpp"
#include "braid/style/task.hpp"

namespace braid::detail {

/// A sender that awaits another library's awaitable in a task. Verbs and combinators wrap awaitables in it.
template <class Source>
struct awaitable_sender {
  static_assert(
      std::is_reference_v<Source> || std::is_move_constructible_v<Source>,
      "an awaitable that cannot be moved: give a function that returns it, [&] { return make(…); }");
  using sender_concept = sender_tag;
  static constexpr bool notes_its_await = true;
  using value_type = typename awaited<Source>::type;

  Source source;

  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return to_task().connect(std::move(receiver));
  }
  [[nodiscard]] auto awaited_by(coroutine_promise& parent) && { return to_task().awaited_by(parent); }

 private:
  task<value_type> to_task() { return wait_for(std::forward<Source>(source)); }
  static task<value_type> wait_for(Source kept) {
    if constexpr (awaitable<Source>)
      co_return co_await std::forward<Source>(kept);
    else
      co_return co_await kept();
  }
};

}  // namespace braid::detail
