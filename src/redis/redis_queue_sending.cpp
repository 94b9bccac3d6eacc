#include <algorithm>
#include <optional>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/messaging/detail/queue_arguments.hpp"
#include "braid/style/as_result.hpp"
#include "redis_queue.hpp"

namespace braid::redis::detail {

namespace {

class waiting_send : pinned {
 public:
  explicit waiting_send(std::size_t& count) noexcept : count_(count) { ++count_; }
  ~waiting_send() { --count_; }

 private:
  std::size_t& count_;
};

std::vector<std::string> words_of_send(std::span<const messaging::outgoing> all,
                                       const messaging::queue_options& how, bool waits,
                                       const lease_name* acked) {
  std::vector<std::string> words;
  words.reserve(8 + 5 * all.size());
  words.emplace_back("send");
  words.push_back(std::to_string(how.most_messages));
  words.push_back(std::to_string(how.most_bytes));
  words.push_back(std::to_string(in_ms(how.idempotency_window)));
  words.emplace_back(waits ? "1" : "0");
  for (const std::uint64_t each :
       {acked ? std::uint64_t{acked->group} : 0, acked ? acked->id : 0, acked ? acked->token : 0})
    words.push_back(acked ? std::to_string(each) : std::string());
  for (const messaging::outgoing& each : all) {
    words.emplace_back(static_cast<const char*>(each.body.data()), each.body.size());
    words.emplace_back(each.how.key);
    words.push_back(std::to_string(each.how.priority));
    words.push_back(std::to_string(in_ms(each.how.delay)));
    words.emplace_back(each.how.idempotency_key);
  }
  return words;
}

}  // namespace

task<std::vector<std::uint64_t>> redis_queue::send_all(std::span<const messaging::outgoing> all, bool waits,
                                                       const lease_name* acked) {
  return send_them(shared_from_this(), all, waits, acked);
}

task<std::vector<std::uint64_t>> redis_queue::send_them(ptr self, std::span<const messaging::outgoing> all,
                                                        bool waits, const lease_name* acked) {
  std::vector<std::uint64_t> ids;
  const char* const call = acked ? "delivery::ack_and_send" : waits ? "queue::send" : "queue::try_send";
  self->require_open(call);
  if (self->draining_ && acked == nullptr)
    self->failure(messaging::errc::queue_closed, call, "it is drained").rethrow();
  messaging::detail::require_sendable(all, self->how_, acked == nullptr);
  if (all.empty() && acked == nullptr) co_return ids;
  const bool repeatable = acked == nullptr && std::all_of(all.begin(), all.end(), [](const auto& each) {
                            return !each.how.idempotency_key.empty();
                          });
  std::optional<messaging::detail::held_leases::writing> busy;
  if (acked != nullptr) busy.emplace(self->leases_, *acked);
  std::optional<waiting_send> waiting;
  std::optional<mutex::scoped_lock> turn;
  std::vector<value> reply;
  for (bool is_full = false;;) {
    if (waits && !turn && (is_full || self->sends_waiting_ != 0)) {
      waiting.emplace(self->sends_waiting_);
      auto locking = self->room_door_.lock();
      turn.emplace(co_await std::move(locking));
      self->require_open(call);
    }
    const std::uint64_t wakes = self->room_wakes_;
    std::vector<std::string> words = words_of_send(all, self->how_, waits, acked);
    auto sending = step(self, std::move(words), call, repeatable);
    reply = co_await std::move(sending);
    is_full = reply[0].text() == "full";
    if (!is_full) break;
    if (!waits) {
      self->refused_ += 1;
      self->failure(messaging::errc::queue_full, call).rethrow();
    }
    self->start_listening();
    if (turn && wakes == self->room_wakes_) {
      auto for_room = self->wait_for_room();
      co_await std::move(for_room);
    }
    self->require_open(call);
  }
  if (busy) busy->done();
  if (reply[0].text() == "stale") self->failure(messaging::errc::stale_token, call).rethrow();
  for (const value& each : reply.at(1).array())
    ids.push_back(static_cast<std::uint64_t>(each.as<std::int64_t>()));
  co_return ids;
}

task<> redis_queue::wait_for_room() {
  room_.reset();
  auto waiting = as_result(with_timeout(room_.wait(), patience()));
  const result<void> woken = co_await std::move(waiting);
  if (!woken && woken.error().code().category() != timeout_category()) woken.error().rethrow();
}

}  // namespace braid::redis::detail
