#include "braid/postgres/notifications.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "link.hpp"

namespace braid::postgres::detail {

void link::keep_notifications() {
  while (PGnotify* const one = handle_ == nullptr ? nullptr : PQnotifies(handle_)) {
    const std::unique_ptr<PGnotify, void (*)(void*)> owned(one, PQfreemem);
    notified_.push_back({one->relname, one->extra, one->be_pid});
  }
}

std::optional<notification> link::notified(const std::vector<std::string>& channels) {
  keep_notifications();
  const auto found = std::ranges::find_if(notified_, [&](const notification& each) {
    return std::ranges::find(channels, each.channel) != channels.end();
  });
  if (found == notified_.end()) return std::nullopt;
  std::optional<notification> given(std::move(*found));
  notified_.erase(found);
  return given;
}

task<std::optional<notification>> link::next_notification(std::vector<std::string> channels) {
  const turn alone(*this);
  for (;;) {
    // Those that had arrived before the connection was lost come before the error.
    std::optional<notification> given = notified(channels);
    if (given) co_return given;
    check("postgres::notifications::next");  // which may read some
    given = notified(channels);
    if (given) co_return given;
    co_await wait_for(PQsocket(handle_), POLLIN);
    read();
  }
}

}  // namespace braid::postgres::detail
