// Each step of a queue says in a channel what it has made possible, so that other programs need not ask.

#include <charconv>
#include <utility>

#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "redis_queue.hpp"
#include "subscription_core.hpp"

namespace braid::redis::detail {

using namespace std::chrono_literals;

loop_clock::duration redis_queue::patience() const noexcept { return is_subscribed_ ? 2s : 50ms; }

void redis_queue::wake_all() noexcept {
  for (auto& [name, each] : groups_) each.wake(INT64_MAX);
  room_wakes_ += 1;
  room_.set();
}

// "room", or the number of a group and how many messages can be delivered.
void redis_queue::note(const std::string& said) noexcept {
  if (said == "room") {
    room_wakes_ += 1;
    room_.set();
    return;
  }
  std::int64_t number = 0, messages = 0;
  const char* const end = said.data() + said.size();
  const auto first = std::from_chars(said.data(), end, number);
  if (first.ec != std::errc() || first.ptr == end) return;
  (void)std::from_chars(first.ptr + 1, end, messages);
  for (auto& [name, each] : groups_)
    if (each.number == number || each.number == 0) each.wake(messages);
}

task<> redis_queue::hear(redis_queue& self, redis::subscription& from) {
  for (bool goes_on = true; goes_on;) {
    auto hearing = as_result(from.next());
    const result<std::optional<message>> said = co_await std::move(hearing);
    self.is_subscribed_ = from.is_connected();
    if (said && *said && !(*said)->is_gap)
      self.note((*said)->text);
    else
      self.wake_all();  // something may be missing
    goes_on = said ? said->has_value() : self.may_pass(said.error()) || said.error() == errc::no_connection;
  }
}

// Until the queue is closed. Without memory it ends early, and the next receive begins it again.
task<> redis_queue::listen(ptr self) {
  const ended_listening at_the_end(*self);
  auto listening = as_result(listen_on(*self));
  (void)co_await std::move(listening);
}
task<> redis_queue::listen_on(redis_queue& self) {
  while (!self.closed_) {
    topics wanted;
    wanted.channels.push_back(self.prefix_ + "wake");
    auto opening = as_result(subscription_core::open(self.client_->how(), std::move(wanted)));
    result<redis::subscription> opened = co_await std::move(opening);
    if (opened) {
      self.is_subscribed_ = true;
      self.wake_all();  // what was said before
      auto hearing = as_result(hear(self, *opened));
      (void)co_await std::move(hearing);  // an error ends what was heard: it is opened again
      self.is_subscribed_ = false;
    }
    auto pausing = as_result(sleep_for(200ms));
    const result<void> paused = co_await std::move(pausing);
    if (!paused) break;
  }
}

redis_queue::ended_listening::~ended_listening() {
  of_.is_subscribed_ = of_.listens_ = false;
  of_.listening_.reset();  // the frame of listen() may own the queue, which must not then own what runs it
}

void redis_queue::start_listening() {
  if (listens_ || closed_) return;
  listens_ = true;
  try {
    listening_.emplace(spawn(listen(shared_from_this())));
  } catch (...) {
    listens_ = false;
    throw;
  }
}
void redis_queue::stop_listening() noexcept {
  if (listening_) listening_->request_stop();
}

}  // namespace braid::redis::detail
