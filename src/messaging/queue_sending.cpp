#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "braid/messaging/detail/crc32c.hpp"
#include "braid/messaging/detail/queue_arguments.hpp"
#include "braid/style/as_result.hpp"
#include "queue_core.hpp"

namespace braid::messaging::detail {

// The idempotency keys of a send. Another send with one of them waits until this one has ended.
class queue_core::claimed_keys : pinned {
 public:
  explicit claimed_keys(queue_core& in) noexcept : in_(in) {}
  ~claimed_keys() {
    for (seen_key* const each : mine_) {
      each->settled.set();
      in_.keys_.erase(in_.keys_.find(*each->name));
    }
  }
  // An earlier message's number, if the key is known.
  [[nodiscard]] seen_key* claim(std::string_view key) {
    mine_.reserve(mine_.size() + 1);
    const auto [at, is_new] = in_.keys_.try_emplace(std::string(key));
    if (!is_new) return &at->second;
    at->second.name = &at->first;
    mine_.push_back(&at->second);
    return nullptr;
  }
  // They were sent.
  void settle(std::int64_t at, std::uint64_t segment) noexcept {
    for (seen_key* const each : mine_) {
      each->pending = false;
      each->at = at;
      each->segment = segment;
      each->until = loop_clock::after(in_.how_.idempotency_window);
      in_.keys_by_age_.push_back(*each);
      each->settled.set();
    }
    mine_.clear();
  }

 private:
  queue_core& in_;
  std::vector<seen_key*> mine_;
};

std::vector<std::uint32_t> queue_core::group_numbers() const {
  std::vector<std::uint32_t> all;
  for (const auto& each : index_.groups()) all.push_back(each->number);
  return all;
}

task<std::vector<std::uint64_t>> queue_core::send_all(std::shared_ptr<queue_core> self,
                                                      std::span<const outgoing> all, bool waits,
                                                      const lease_name* acked) {
  std::vector<std::uint64_t> ids(all.size());
  self->require_open("queue::send");
  if (self->draining_ && acked == nullptr)
    self->failure(errc::queue_closed, "queue::send", "it is drained").rethrow();
  require_sendable(all, self->how_, acked == nullptr);
  if (self->index_.groups().empty())
    self->failure(errc::unknown_group, "queue::send", "it has none").rethrow();
  self->forget_old_keys();

  slot* const done_with = acked == nullptr ? nullptr : &self->require_lease(*acked, "delivery::ack_and_send");
  std::optional<busy_slot> busy;
  if (done_with != nullptr) busy.emplace(self->index_, *done_with);

  // A key that is on its way may yet fail.
  const auto find_pending = [&]() -> seen_key* {
    for (const outgoing& each : all) {
      if (each.how.idempotency_key.empty()) continue;
      const auto known = self->keys_.find(std::string(each.how.idempotency_key));
      if (known != self->keys_.end() && known->second.pending) return &known->second;
    }
    return nullptr;
  };
  while (seen_key* const pending = find_pending()) {
    auto settling = pending->settled.wait();
    co_await std::move(settling);
  }
  claimed_keys keys(*self);
  struct fresh_message {
    std::size_t at;  // in all
    seen_key* key;
  };
  std::vector<fresh_message> fresh;
  std::vector<std::pair<std::size_t, seen_key*>> repeated;  // in this send, or sent before
  std::size_t bytes = 0;
  for (std::size_t i = 0; i != all.size(); ++i) {
    seen_key* mine = nullptr;
    if (const std::string_view key = all[i].how.idempotency_key; !key.empty()) {
      if (seen_key* const known = keys.claim(key)) {
        ids[i] = known->id;
        repeated.emplace_back(i, known->pending ? known : nullptr);
        continue;
      }
      mine = &self->keys_.find(std::string(key))->second;
    }
    fresh.push_back({i, mine});
    bytes += all[i].body.size();
  }
  if (fresh.empty() && acked == nullptr) {
    self->duplicates_ += repeated.size();
    co_return ids;
  }

  std::optional<semaphore::permit> room, room_bytes;
  if (acked != nullptr) {  // it makes room itself, and holds up no consumer
    room = self->room_.try_acquire(fresh.size());
    room_bytes = self->room_bytes_.try_acquire(bytes);
  } else if (waits) {
    auto waiting = as_result(self->room_.acquire(fresh.size()));
    result<semaphore::permit> got = co_await std::move(waiting);
    if (got) room.emplace(std::move(got).value());
    if (got) {
      auto waiting_more = as_result(self->room_bytes_.acquire(bytes));
      got = co_await std::move(waiting_more);
      if (got) room_bytes.emplace(std::move(got).value());
    }
    if (!got && got.error() == braid::errc::semaphore_closed) self->require_open("queue::send");
    if (!got) got.error().rethrow();
  } else {
    room = self->room_.try_acquire(fresh.size());
    if (room) room_bytes = self->room_bytes_.try_acquire(bytes);
    if (!room_bytes) {
      self->refused_ += 1;
      self->failure(errc::queue_full, "queue::try_send").rethrow();
    }
  }
  self->require_open("queue::send");

  const std::vector<std::uint32_t> groups = self->group_numbers();
  const std::int64_t now = self->index_.now_ms();
  std::vector<prepared_message> made;
  made.reserve(fresh.size());
  std::string record = new_record();
  record.reserve(bytes + fresh.size() * (100 + 4 * groups.size()));
  entry_writer to(record);
  if (done_with != nullptr) put_about(to, entry_kind::acked, *done_with);
  for (const fresh_message& each : fresh) {
    const outgoing& one = all[each.at];
    const std::string_view body(static_cast<const char*>(one.body.data()), one.body.size());
    const prepared_message& it = made.emplace_back(self->index_, one.how.key, groups);
    const loop_clock::duration delay = std::max(one.how.delay, loop_clock::duration::zero());
    it->sent_at = now;
    it->priority = static_cast<std::uint8_t>(one.how.priority);
    it->body_bytes = static_cast<std::uint32_t>(body.size());
    it->body_sum = crc32c(body.data(), body.size());
    if (delay != loop_clock::duration::zero())
      for (slot& in_group : it->slots()) {
        in_group.state = slot_state::delayed;
        in_group.when = loop_clock::after(delay);
      }
    to.kind(entry_kind::sent);
    put_message(to, *it, one.how.key);
    to.time(in_ms(delay)).text(one.how.idempotency_key).half(static_cast<std::uint16_t>(groups.size()));
    for (const std::uint32_t group : groups) to.word(group);
    it->body_at = static_cast<std::uint32_t>(head_bytes + record.size() + 4);
    to.body(body);
  }

  auto apply = [&](const appended& done) noexcept {
    for (std::size_t i = 0; i != fresh.size(); ++i) {
      made[i]->id = ids[fresh[i].at] = message_number(done.sequence, i);
      made[i]->at = done.at;
      if (fresh[i].key != nullptr) fresh[i].key->id = made[i]->id;
      self->index_.add(std::move(made[i]));
    }
    for (const auto& [place, key] : repeated)
      if (key != nullptr) ids[place] = key->id;
    keys.settle(now, done.at.segment);
    if (room)
      room->forget();
    else
      self->debt_ += fresh.size();
    if (room_bytes)
      room_bytes->forget();
    else
      self->debt_bytes_ += bytes;
    self->sent_ += fresh.size();
    self->duplicates_ += repeated.size();
    if (done_with == nullptr) return;
    busy->done();
    self->finish(*done_with);
  };
  co_await self->append(record, apply);
  self->tidy_if_due();
  co_return ids;
}

}  // namespace braid::messaging::detail
