#include <algorithm>
#include <system_error>
#include <utility>

#include "braid/messaging/detail/crc32c.hpp"
#include "queue_core.hpp"

// What open() does: reads the whole log, and makes the index of what it says.
namespace braid::messaging::detail {

namespace {

constexpr std::size_t record_room = 1 << 20;  // of a record, beside the longest body
constexpr std::uint32_t most_groups = 0xffff;

std::string where(const log_record& record, const std::filesystem::path& directory) {
  return segment_path(directory, record.segment).string() + " at " + std::to_string(record.offset) +
         " (the record " + std::to_string(record.sequence);
}

}  // namespace

task<std::shared_ptr<queue_core>> queue_core::open(std::filesystem::path directory, queue_options how) {
  const auto self = std::make_shared<queue_core>(how);
  log_options log_how;
  log_how.segment_bytes = how.segment_bytes;
  log_how.most_record_bytes = std::max(log_how.most_record_bytes, how.most_message_bytes + record_room);
  self->log_ = co_await log_core::open(std::move(directory), log_how);
  self->opened_at_ = self->log_->last();
  self->tidied_at_ = self->log_->last_segment();
  co_await self->replay();
  self->recover_leases();
  co_return self;
}

task<> queue_core::replay() {
  for (const log_damage& each : log_->recovery().damaged)
    if (each.first > each.last) recovery_.damaged.push_back(each.what);
  auto all = log_core::read(log_, log_->first(), false);
  for (;;) {
    const auto each = co_await all.next();
    if (!each) break;
    if (*each)
      replay_record(each->value());
    else
      recovery_.damaged.push_back(each->error().message());
  }
  for (const auto& each : index_.groups()) {
    if (!each->known) recovery_.damaged.push_back("the name of the group " + each->name + " is lost");
    each->seen = {};  // counts begin now
  }
  forget_old_keys();
  const std::size_t taken = std::min(index_.messages(), how_.most_messages);
  const std::size_t taken_bytes = std::min(index_.body_bytes(), how_.most_bytes);
  if (auto room = room_.try_acquire(taken)) room->forget();
  if (auto room = room_bytes_.try_acquire(taken_bytes)) room->forget();
  debt_ = index_.messages() - taken;
  debt_bytes_ = index_.body_bytes() - taken_bytes;
}

void queue_core::replay_record(const log_record& record) {
  recovery_.records += 1;
  entry_reader from(record.bytes);
  if (const std::uint8_t version = from.byte(); from.is_good() && version != queue_format_version)
    error(std::make_error_code(std::errc::not_supported), "queue::open",
          where(record, log_->directory()) + " has the version " + std::to_string(version) + ")")
        .rethrow();
  std::size_t sent = 0;
  while (from.is_good() && !from.at_end()) replay_entry(from.kind(), from, record, sent);
  if (!from.is_good()) recovery_.damaged.push_back(where(record, log_->directory()) + " is none of a queue)");
}

void queue_core::replay_entry(entry_kind kind, entry_reader& from, const log_record& record,
                              std::size_t& sent) {
  switch (kind) {
    case entry_kind::group: return replay_group(from, record);
    case entry_kind::sent:
      return replay_message(from, record, message_number(record.sequence, sent++), false);
    case entry_kind::kept: {
      const std::uint64_t id = from.wide();
      return replay_message(from, record, id, true);
    }
    case entry_kind::key_seen: {
      const std::string_view name = from.text();
      const std::uint64_t id = from.wide();
      const std::int64_t at = from.time();
      if (from.is_good()) remember_key(name, id, at, record.segment);
      return;
    }
    case entry_kind::delivered:
    case entry_kind::acked:
    case entry_kind::failed:
    case entry_kind::returned:
    case entry_kind::redriven: return replay_outcome(kind, from, record);
  }
  from.fail();
}

void queue_core::replay_outcome(entry_kind kind, entry_reader& from, const log_record& record) {
  message* const of = index_.find(from.wide());
  const std::uint32_t group = from.word();
  // The message may be finished, and its record removed; or its record is damaged.
  const bool is_known = of != nullptr && group < index_.groups().size();
  slot* which = is_known ? of->in(*index_.groups()[group]) : nullptr;
  if (which != nullptr && which->state == slot_state::done) which = nullptr;
  if (kind == entry_kind::failed) return replay_failure(from, which);
  const std::uint64_t opened_at = kind == entry_kind::delivered ? from.wide() : 0;
  if (which == nullptr || !from.is_good()) return;
  if (kind == entry_kind::delivered) replay_delivery(opened_at, record, *which);
  if (kind == entry_kind::acked && index_.finish(*which)) index_.remove(*of);
  if (kind == entry_kind::returned && which->state == slot_state::leased) index_.give_back(*which);
  if (kind == entry_kind::redriven && which->state == slot_state::dead) index_.redrive(*which);
}

void queue_core::replay_group(entry_reader& from, const log_record& record) {
  const std::uint32_t number = from.word();
  const std::string_view name = from.text();
  group_options how;
  how.attempts = static_cast<int>(from.word());
  how.lease = loop_clock::duration(from.time());
  how.key_limit = static_cast<int>(from.word());
  const bool paused = from.byte() != 0;
  if (!from.is_good() || number >= most_groups) return;
  group_state& it = index_.group(number);
  it.name = name;
  index_.set_options(it, how);
  it.known = true;
  it.paused = paused;
  it.segment = record.segment;
}

void queue_core::replay_message(entry_reader& from, const log_record& record, std::uint64_t id, bool kept) {
  const std::int64_t now = index_.now_ms(), sent_at = from.time();
  const std::uint8_t priority = from.byte();
  const std::string_view key = from.text();
  const std::uint32_t sum = from.word();
  const std::int64_t delay = kept ? 0 : from.time();
  const std::string_view idempotency_key = kept ? std::string_view() : from.text();
  const std::uint16_t count = from.half();
  const entry_reader states = from;
  std::vector<std::uint32_t> groups;
  for (std::size_t i = 0; i != count && from.is_good(); ++i) {
    groups.push_back(std::min(from.word(), most_groups - 1));
    if (!kept) continue;
    slot skipped;
    replay_slot(from, skipped, now);
    drop_notes(skipped);
  }
  const std::string_view body = from.body();
  if (!from.is_good() || priority >= priorities) return;
  if (message* const before = kept ? index_.find(id) : nullptr) index_.remove(*before);
  for (const std::uint32_t each : groups) (void)index_.group(each);
  prepared_message made(index_, key, groups);
  made->id = id;
  made->at = {record.segment, record.offset};
  made->body_at = static_cast<std::uint32_t>(head_bytes + from.offset() - body.size());
  made->body_bytes = static_cast<std::uint32_t>(body.size());
  made->body_sum = sum;
  made->sent_at = sent_at;
  made->priority = priority;
  entry_reader each_state = states;
  // Set back, the clock makes no delay longer than it was.
  const std::int64_t left = delay == 0 ? 0 : std::clamp<std::int64_t>(sent_at + delay - now, 0, delay);
  for (slot& each : made->slots()) {
    (void)each_state.word();
    if (kept) replay_slot(each_state, each, now);
    if (left == 0) continue;
    each.state = slot_state::delayed;
    each.when = loop_clock::after(std::chrono::milliseconds(left));
  }
  if (!idempotency_key.empty()) remember_key(idempotency_key, id, sent_at, record.segment);
  index_.add(std::move(made));
}

void queue_core::replay_slot(entry_reader& from, slot& which, std::int64_t now) {
  const std::uint8_t state = from.byte();
  which.attempts = from.word();
  which.recoveries = from.word();
  which.token = from.wide();
  const std::int64_t due = from.time();
  const std::uint16_t notes = from.half();
  which.state = state < slot_states ? static_cast<slot_state>(state) : slot_state::ready;
  which.when = loop_clock::time_point::max();
  if (which.state == slot_state::delayed)
    which.when = loop_clock::after(std::chrono::milliseconds(std::max<std::int64_t>(0, due - now)));
  for (std::size_t i = 0; i != notes && from.is_good(); ++i) {
    auto note = std::make_unique<failure_note>();
    note->attempt = from.word();
    note->how = static_cast<delivery_failure>(from.byte());
    note->at = from.time();
    note->reason = from.text();
    add_note(which, note.release());
  }
}

// A delivery without an outcome has expired, or its process has ended before this queue was opened.
void queue_core::end_lease(slot& which, std::uint64_t opened_at) noexcept {
  if (which.state != slot_state::leased) return;
  if (which.token > opened_at)
    index_.expire(which, delivery_failure::expired);
  else
    index_.lose(which);
}

void queue_core::replay_delivery(std::uint64_t opened_at, const log_record& record, slot& which) {
  auto note = std::make_unique<failure_note>();
  end_lease(which, opened_at);
  if (which.state == slot_state::dead) return;
  index_.take(which);
  index_.grant(which, record.sequence, loop_clock::time_point::max(), note.release());
}

void queue_core::replay_failure(entry_reader& from, slot* which) {
  const std::uint64_t opened_at = from.wide();
  const bool dead = from.byte() != 0;
  const std::int64_t due = from.time();
  const auto how = static_cast<delivery_failure>(from.byte());
  const std::int64_t at = from.time();
  const std::string_view reason = from.text();
  if (which == nullptr || !from.is_good()) return;
  const bool is_outcome = how == delivery_failure::refused && which->state == slot_state::leased;
  if (!is_outcome) end_lease(*which, opened_at);
  if (how != delivery_failure::none) {
    if (!is_outcome) add_note(*which, std::make_unique<failure_note>().release());
    failure_note& note = *which->notes;
    note.attempt = which->attempts;
    note.how = how;
    note.at = at;
    note.reason = reason;
  }
  // Set back, the clock makes no delay longer than it was.
  const std::int64_t left =
      due == 0 ? 0 : std::clamp<std::int64_t>(due - index_.now_ms(), 0, std::max<std::int64_t>(0, due - at));
  const slot_state then = dead ? slot_state::dead : left != 0 ? slot_state::delayed : slot_state::ready;
  index_.fail(*which, then, loop_clock::after(std::chrono::milliseconds(left)));
}

void queue_core::remember_key(std::string_view name, std::uint64_t id, std::int64_t at,
                              std::uint64_t segment) {
  const auto [found, is_new] = keys_.try_emplace(std::string(name));
  seen_key& it = found->second;
  const auto window = std::chrono::duration_cast<std::chrono::milliseconds>(how_.idempotency_window);
  const std::int64_t left =
      std::clamp<std::int64_t>(at + window.count() - index_.now_ms(), 0, window.count());
  it.name = &found->first;
  it.pending = false;
  it.id = id;
  it.at = at;
  it.segment = segment;
  it.until = loop_clock::after(std::chrono::milliseconds(left));
  if (!is_new) it.unlink();
  keys_by_age_.push_back(it);
}

// The process that had them is gone: the directory's lock says so.
void queue_core::recover_leases() noexcept {
  for (message* each = index_.newest_place(); each != nullptr; each = each->older)  // each goes in front
    for (slot& one : each->slots())
      if (one.state == slot_state::leased) {
        index_.lose(one);
        recovery_.recovered += 1;
      }
}

}  // namespace braid::messaging::detail
