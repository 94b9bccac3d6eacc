#include <system_error>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/messaging/detail/crc32c.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/get_stop_token.hpp"
#include "queue_core.hpp"

namespace braid::messaging::detail {

// A slot that is on its way to a receiver. Unless it is kept, the destructor makes it ready again.
class queue_core::taken_slot : pinned {
 public:
  taken_slot(queue_index& in, slot& which) noexcept : in_(in), which_(&which) { in_.take(which); }
  ~taken_slot() {
    if (which_ != nullptr) in_.untake(*which_);
  }
  [[nodiscard]] slot& operator*() const noexcept { return *which_; }
  void keep() noexcept { which_ = nullptr; }

 private:
  queue_index& in_;
  slot* which_;
};

task<> queue_core::wait_for_message(group_state& from) {
  waiting_receiver mine;
  from.waiting.push_back(mine);
  const loop_clock::time_point due = index_.next_due();
  from.wakes_at = std::min(from.wakes_at, due);
  auto waiting = as_result(with_deadline(mine.go.wait(), due));
  const result<void> woken = co_await std::move(waiting);
  if (woken || woken.error().code().category() == timeout_category()) co_return;
  if (!mine.linked()) from.wake_one();  // it was woken for a message that it will not take
  woken.error().rethrow();
}

task<> queue_core::read_body(const message& of, std::string& to) {
  to.resize(of.body_bytes);
  for (;;) {
    const record_place at = of.at;
    const record_place body{at.segment, at.offset + of.body_at};
    auto reading = as_result(log_core::read_bytes(log_, body, std::as_writable_bytes(std::span(to))));
    const result<void> done = co_await std::move(reading);
    if (done && crc32c(to.data(), to.size()) == of.body_sum) co_return;
    if (of.at.segment != at.segment) continue;  // it was moved meanwhile
    if (!done) done.error().rethrow();
    error(make_error_code(errc::damaged_record), "queue::receive",
          segment_path(log_->directory(), at.segment).string() + " at " + std::to_string(body.offset) +
              " (the body of the message " + std::to_string(of.id) + ")")
        .rethrow();
  }
}

task<> queue_core::bury(taken_slot& taken, std::unique_ptr<failure_note> note) {
  slot& which = *taken;
  std::string record = new_record();
  entry_writer to(record);
  const failure_note none;
  put_failure(to, which, opened_at_, true, 0, note ? *note : none);
  auto apply = [&](const appended&) noexcept {
    taken.keep();
    if (note) add_note(which, note.release());
    index_.bury(which);
    note_progress();
  };
  co_await append(record, apply);
}

task<leased_message> queue_core::receive(std::shared_ptr<queue_core> self, std::string name) {
  leased_message found;
  self->require_open("queue::receive");
  group_state& from = self->require_group(name, "queue::receive");
  const stop_token stop = co_await get_stop_token();
  for (;;) {
    self->require_open("queue::receive");
    event never;
    auto ending = never.wait();
    if (stop.stop_requested()) co_await std::move(ending);  // ends as cancelled
    self->index_.turn_due(loop_clock::now());
    slot* const next = from.paused ? nullptr : self->index_.pick(from);
    if (next == nullptr) {
      co_await self->wait_for_message(from);
      continue;
    }
    taken_slot taken(self->index_, *next);
    if (next->attempts >= static_cast<std::uint32_t>(from.how.attempts)) {
      co_await self->bury(taken, nullptr);
      continue;
    }
    auto reading = as_result(self->read_body(*next->of, found.body));
    const result<void> read = co_await std::move(reading);
    if (!read && read.error() != make_error_code(errc::damaged_record)) read.error().rethrow();
    auto note = std::make_unique<failure_note>();
    if (!read) {
      note->how = delivery_failure::damaged;
      note->at = self->index_.now_ms();
      note->attempt = next->attempts;
      note->reason = read.error().message().substr(0, most_reason_bytes);
      co_await self->bury(taken, std::move(note));
      continue;
    }
    if (next->of->key != nullptr) found.key = *next->of->key->name;
    std::string record = new_record();
    entry_writer to(record);
    put_about(to, entry_kind::delivered, *next);
    to.wide(self->opened_at_);
    auto apply = [&](const appended& done) noexcept {
      taken.keep();
      self->index_.grant(*next, done.sequence, loop_clock::after(from.how.lease), note.release());
      found.lease = {next->of->id, done.sequence, from.number};
      found.attempt = next->attempts;
      found.lease_time = from.how.lease;
    };
    co_await self->append(record, apply);
    self->tidy_if_due();
    if (!stop.stop_requested()) co_return found;
    // Nobody may want it any more.
    auto giving_back = as_result(give_back(self, found.lease));
    const result<void> given_back = co_await std::move(giving_back);
    if (!given_back) co_return found;
  }
}

// ---- outcomes -------------------------------------------------------------------------------------------

slot& queue_core::require_lease(lease_name lease, const char* call) {
  require_open(call);
  index_.turn_due(loop_clock::now());
  group_state& group = *index_.groups()[lease.group];
  message* const of = index_.find(lease.id);
  slot* const which = of == nullptr ? nullptr : of->in(group);
  if (which == nullptr || which->state != slot_state::leased || which->token != lease.token || which->busy) {
    group.seen.stale += 1;
    failure(errc::stale_token, call,
            "the token " + std::to_string(lease.token) + " of the message " + std::to_string(lease.id))
        .rethrow();
  }
  return *which;
}

void queue_core::finish(slot& which) noexcept {
  message& it = *which.of;
  which.group->seen.acknowledged += 1;
  which.group->seen.last_progress = loop_clock::now();
  const std::size_t bytes = it.body_bytes;
  if (index_.finish(which)) {
    index_.remove(it);
    give_room(1, bytes);
  }
  note_progress();
}

task<> queue_core::ack(std::shared_ptr<queue_core> self, lease_name lease) {
  slot& which = self->require_lease(lease, "delivery::ack");
  busy_slot busy(self->index_, which);
  std::string record = new_record();
  entry_writer to(record);
  put_about(to, entry_kind::acked, which);
  auto apply = [&](const appended&) noexcept {
    busy.done();
    self->finish(which);
  };
  co_await self->append(record, apply);
  self->tidy_if_due();
}

task<> queue_core::nack(std::shared_ptr<queue_core> self, lease_name lease, loop_clock::duration delay,
                        std::string reason) {
  slot& which = self->require_lease(lease, "delivery::nack");
  busy_slot busy(self->index_, which);
  if (reason.size() > most_reason_bytes) reason.resize(most_reason_bytes);
  delay = std::max(delay, loop_clock::duration::zero());
  const bool dead = which.attempts >= static_cast<std::uint32_t>(which.group->how.attempts);
  failure_note said;
  said.how = delivery_failure::refused;
  said.at = self->index_.now_ms();
  said.reason = std::move(reason);
  std::string record = new_record();
  entry_writer to(record);
  const bool later = !dead && delay != loop_clock::duration::zero();
  put_failure(to, which, self->opened_at_, dead, later ? said.at + in_ms(delay) : 0, said);
  const slot_state then = dead ? slot_state::dead : later ? slot_state::delayed : slot_state::ready;
  auto apply = [&](const appended&) noexcept {
    busy.done();
    failure_note& note = *which.notes;
    note.how = said.how;
    note.at = said.at;
    note.reason = std::move(said.reason);
    self->index_.fail(which, then, loop_clock::after(delay));
    self->note_progress();
  };
  co_await self->append(record, apply);
  self->tidy_if_due();
}

task<> queue_core::give_back(std::shared_ptr<queue_core> self, lease_name lease) {
  slot& which = self->require_lease(lease, "delivery::give_back");
  busy_slot busy(self->index_, which);
  std::string record = new_record();
  entry_writer to(record);
  put_about(to, entry_kind::returned, which);
  auto apply = [&](const appended&) noexcept {
    busy.done();
    self->index_.give_back(which);
  };
  co_await self->append(record, apply);
  self->tidy_if_due();
}

task<> queue_core::extend(std::shared_ptr<queue_core> self, lease_name lease, loop_clock::duration time) {
  slot& which = self->require_lease(lease, "delivery::extend");
  const loop_clock::time_point until = loop_clock::after(time);
  self->index_.extend(which, until);
  co_return;
}

// Needs no memory: the delivery's attempt is counted already.
void queue_core::drop(lease_name lease) noexcept {
  message* const of = index_.find(lease.id);
  slot* const which = of == nullptr ? nullptr : of->in(*index_.groups()[lease.group]);
  const bool is_held =
      which != nullptr && which->state == slot_state::leased && which->token == lease.token && !which->busy;
  if (is_held) index_.expire(*which, delivery_failure::dropped);
}

}  // namespace braid::messaging::detail
