#include "queue_core.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "braid/messaging/detail/queue_arguments.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"

namespace braid::messaging::detail {

queue_core::queue_core(const queue_options& how)
    : how_((require_queue_options(how), how)),
      index_(how.time_of_day),
      room_(how.most_messages),
      room_bytes_(how.most_bytes) {}
queue_core::~queue_core() {
  while (!keys_by_age_.empty()) keys_by_age_.pop_front();
}

error queue_core::failure(errc why, const char* call, std::string_view what) const {
  std::string object = log_->directory().string();
  if (!what.empty()) object.append(" (").append(what).append(")");
  return {make_error_code(why), call, std::move(object)};
}
void queue_core::require_open(const char* call) const {
  if (closed_) failure(errc::queue_closed, call).rethrow();
  if (log_->is_stopped()) log_->failure(errc::log_stopped, call).rethrow();
}
group_state& queue_core::require_group(std::string_view name, const char* call) const {
  group_state* const found = index_.find_group(name);
  if (found == nullptr) failure(errc::unknown_group, call, name).rethrow();
  return *found;
}

task<> queue_core::append_and(const std::string& record, append_hook apply) {
  pending_append mine(log_->last_segment());
  appending_.push_back(mine);
  auto appending = shield(as_result(log_core::append_placed(log_, record, apply)));
  const result<appended> done = co_await std::move(appending);
  if (!done && log_->is_stopped()) end_waits();
  if (!done && done.error() == make_error_code(errc::log_closed))
    failure(errc::queue_closed, "queue").rethrow();  // it was closed meanwhile
  if (!done) done.error().rethrow();
}

// What waits for a message or for room finds out why there will be none.
void queue_core::end_waits() noexcept {
  for (const auto& each : index_.groups()) each->wake_all();
  room_.close();
  room_bytes_.close();
  note_progress();
}

void queue_core::give_room(std::size_t messages, std::size_t bytes) noexcept {
  const std::size_t paid = std::min(debt_, messages), paid_bytes = std::min(debt_bytes_, bytes);
  debt_ -= paid;
  debt_bytes_ -= paid_bytes;
  if (messages != paid) room_.release(messages - paid);
  if (bytes != paid_bytes) room_bytes_.release(bytes - paid_bytes);
}

void queue_core::forget_old_keys() noexcept {
  const loop_clock::time_point now = loop_clock::now();
  while (!keys_by_age_.empty() && keys_by_age_.front().until <= now) {
    seen_key& old = keys_by_age_.pop_front();
    keys_.erase(keys_.find(*old.name));
  }
}

task<> queue_core::make_group(std::shared_ptr<queue_core> self, std::string name, group_options how) {
  self->require_open("queue::make_group");
  require_group_options(name, how);
  auto locking = self->groups_door_.lock();
  const auto lock = co_await std::move(locking);
  self->require_open("queue::make_group");
  group_state* const known = self->index_.find_group(name);
  if (known != nullptr && known->how == how) co_return;
  if (self->index_.groups().size() == 0xffff)
    invalid_argument_error("queue::make_group", "there are 65,535 groups").rethrow();
  auto made = std::make_unique<group_state>();
  made->number = known != nullptr ? known->number : static_cast<std::uint32_t>(self->index_.groups().size());
  made->name = name;
  made->how = how;
  made->known = true;
  self->index_.reserve_group();
  std::string record = new_record();
  entry_writer to(record);
  put_group(to, *made, known != nullptr && known->paused);
  auto apply = [&](const appended& done) noexcept {
    (known != nullptr ? *known : *made).segment = done.at.segment;
    if (known != nullptr)
      self->index_.set_options(*known, how);
    else
      self->index_.add_group(std::move(made));
  };
  co_await self->append(record, apply);
}

// ---- the end --------------------------------------------------------------------------------------------

void queue_core::abandon() noexcept {
  if (std::exchange(closed_, true)) return;
  end_waits();
  close_ended_.set();
}

task<> queue_core::close(std::shared_ptr<queue_core> self) {
  if (!std::exchange(self->closed_, true)) {
    self->end_waits();
    auto closing = shield(as_result(self->close_log()));
    const result<void> closed = co_await std::move(closing);
    self->close_ended_.set();
    if (!closed) closed.error().rethrow();
  }
  auto ending = self->close_ended_.wait();
  co_await std::move(ending);
}

// Gives back the deliveries that are not settled: they burn no attempt. If that fails, they count as
// recoveries.
task<> queue_core::close_log() {
  const auto self = shared_from_this();
  try {
    std::string record = new_record();
    entry_writer to(record);
    std::vector<slot*> leased;
    for (slot* const each : index_.timers()) {
      if (each->state != slot_state::leased || each->busy) continue;
      put_about(to, entry_kind::returned, *each);
      leased.push_back(each);
    }
    for (slot* const each : leased) each->busy = true;
    if (!leased.empty()) {
      auto apply = [&](const appended&) noexcept {
        for (slot* const each : leased) index_.give_back(*each);
      };
      auto appending = as_result(append(record, apply));
      const result<void> done = co_await std::move(appending);
      if (!done)
        for (slot* const each : leased) index_.not_busy(*each);
    }
  } catch (const std::bad_alloc&) {
    // they stay leased
  }
  auto closing = log_core::close(log_);
  co_await std::move(closing);
}

// ---- what it shows --------------------------------------------------------------------------------------

queue_metrics queue_core::metrics() const {
  queue_metrics all;
  all.messages = index_.messages();
  all.bytes = index_.body_bytes();
  all.sent = sent_;
  all.refused = refused_;
  all.duplicates = duplicates_;
  all.moved = moved_;
  all.failed_removals = failed_removals_;
  all.file_bytes = log_->bytes();
  all.files = log_->segments().size();
  std::vector<std::int64_t> oldest(index_.groups().size(), -1);
  for (message* each = index_.oldest_place(); each != nullptr; each = each->newer)
    for (const slot& one : each->slots())
      if (one.state != slot_state::done) {
        std::int64_t& at = oldest[one.group->number];
        at = at < 0 ? each->sent_at : std::min(at, each->sent_at);
      }
  for (const auto& each : index_.groups()) {
    group_metrics one = each->seen;
    one.name = each->name;
    one.paused = each->paused;
    const auto count = [&](slot_state state) { return each->counts[static_cast<std::size_t>(state)]; };
    one.ready = count(slot_state::ready);
    one.delayed = count(slot_state::delayed);
    one.leased = count(slot_state::leased);
    one.dead = count(slot_state::dead);
    if (const std::int64_t at = oldest[each->number]; at >= 0)
      one.oldest = std::chrono::milliseconds(std::max<std::int64_t>(0, index_.now_ms() - at));
    all.groups.push_back(std::move(one));
  }
  return all;
}

std::vector<dead_letter> queue_core::dead_letters(std::string_view group) const {
  using std::chrono::milliseconds;
  const auto time = [](std::int64_t ms) { return std::chrono::system_clock::time_point(milliseconds(ms)); };
  std::vector<dead_letter> all;
  const group_state& from = require_group(group, "queue::dead_letters");
  for (const slot* each = from.dead.first; each != nullptr; each = each->next) {
    dead_letter one;
    one.id = each->of->id;
    if (each->of->key != nullptr) one.key = *each->of->key->name;
    one.bytes = each->of->body_bytes;
    one.sent_at = time(each->of->sent_at);
    one.attempts = each->attempts;
    one.recoveries = each->recoveries;
    for (const failure_note* note = each->notes; note != nullptr; note = note->before)
      one.failures.push_back({note->attempt, note->how, time(note->at), note->reason});
    std::reverse(one.failures.begin(), one.failures.end());
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace braid::messaging::detail
