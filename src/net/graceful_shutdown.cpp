#include "braid/net/graceful_shutdown.hpp"

#include <memory>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/net/detail/served.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"

namespace braid {

namespace {

template <class Listener>
task<shutdown_report> shut_down(Listener& at, scope& all, loop_clock::time_point deadline) {
  const std::shared_ptr<detail::served> those = at.served();
  const std::size_t ended_before = those->ended();
  those->closing.request_stop(stop_reason::shut_down);
  result<void> closed;
  if (at.is_open()) closed = co_await as_result(at.close());
  auto waiting = as_result(with_deadline(those->wait(), deadline));
  (void)co_await std::move(waiting);  // however it ends
  const shutdown_report how{.finished = those->ended() - ended_before, .cut = those->connections()};
  those->cut.request_stop(stop_reason::shut_down);
  all.request_stop(stop_reason::shut_down);
  auto last = shield(those->wait());
  co_await std::move(last);
  if (!closed) closed.error().rethrow();
  co_return how;
}

}  // namespace

task<shutdown_report> graceful_shutdown(tcp::listener& at, scope& all, loop_clock::time_point deadline) {
  return shut_down(at, all, deadline);
}
task<shutdown_report> graceful_shutdown(unix_domain::listener& at, scope& all,
                                        loop_clock::time_point deadline) {
  return shut_down(at, all, deadline);
}

}  // namespace braid
