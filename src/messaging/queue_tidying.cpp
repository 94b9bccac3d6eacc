#include <algorithm>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "braid/messaging/detail/crc32c.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/start.hpp"
#include "queue_core.hpp"

// How a queue gives up the space of what is finished. The log's oldest files are removed once nothing in them
// is needed any more. A message that is not finished, a group or an idempotency key is appended once more
// where it is all that holds a file back.
namespace braid::messaging::detail {

namespace {

constexpr std::size_t most_keys_bytes = 256 << 10;
constexpr std::size_t entry_bytes = 100;  // of a message without its body, about

}  // namespace

// Everything in the files before this one is of no use, but for groups and keys.
std::uint64_t queue_core::needed_segment() noexcept {
  std::uint64_t needed = log_->last_segment();
  if (const message* const oldest = index_.oldest_place()) needed = std::min(needed, oldest->at.segment);
  if (!appending_.empty()) needed = std::min(needed, appending_.front().segment);
  return needed;
}

// Half of the files at least is of no use, and that is worth two files.
bool queue_core::wastes_space() const noexcept {
  const std::uint64_t live = index_.body_bytes() + index_.messages() * entry_bytes;
  return log_->bytes() > 2 * live + 2 * how_.segment_bytes;
}

void queue_core::tidy_if_due() noexcept {
  if (closed_ || tidying_ || log_->is_stopped()) return;
  const bool may_remove = needed_segment() > log_->first();
  if (!may_remove && (tidied_at_ == log_->last_segment() || !wastes_space())) return;
  tidying_ = true;
  try {
    detach(tidy(shared_from_this()));
  } catch (...) {  // another time
    tidying_ = false;
    failed_removals_ += 1;
  }
}

task<> queue_core::tidy(std::shared_ptr<queue_core> self) {
  self->tidied_at_ = self->log_->last_segment();
  auto removing = as_result(self->remove_front());
  const result<void> done = co_await std::move(removing);
  // The files stay for now: the disk may be full, or the log is being closed. A log that has stopped says so
  // elsewhere.
  if (!done && !self->closed_) self->failed_removals_ += 1;
  self->tidying_ = false;
}

task<> queue_core::remove_front() {
  bool moves = wastes_space();
  while (moves) {
    const message* const oldest = index_.oldest_place();
    moves = oldest != nullptr && oldest->at.segment == log_->first() &&
            oldest->at.segment != log_->last_segment();
    if (moves) moves = co_await move_oldest();
  }
  auto locking = groups_door_.lock();
  const auto lock = co_await std::move(locking);
  const std::uint64_t from = needed_segment();
  if (from <= log_->first()) co_return;
  co_await keep_groups(from);
  co_await keep_keys(from);
  co_await log_core::truncate_front(log_, from);
}

// Appends the message once more, with the state of its deliveries. Returns false if it changes just now.
task<bool> queue_core::move_oldest() {
  message* it = index_.oldest_place();
  const std::uint64_t id = it->id;
  const record_place from = it->at;
  const std::uint32_t body_at = it->body_at;
  std::string body(it->body_bytes, '\0');
  const record_place place{from.segment, from.offset + body_at};
  co_await log_core::read_bytes(log_, place, std::as_writable_bytes(std::span(body)));
  it = index_.find(id);
  if (it == nullptr) co_return true;
  bool is_busy = crc32c(body.data(), body.size()) != it->body_sum;  // a receive will find out
  for (const slot& each : it->slots()) is_busy = is_busy || each.busy;
  if (is_busy) co_return false;

  std::string record = new_record();
  entry_writer to(record);
  to.kind(entry_kind::kept).wide(id);
  put_message(to, *it, it->key != nullptr ? std::string_view(*it->key->name) : std::string_view());
  to.half(it->slot_count);
  const loop_clock::time_point now = loop_clock::now();
  for (const slot& each : it->slots()) {
    const bool is_delayed = each.state == slot_state::delayed;
    to.word(each.group->number);
    put_slot_state(to, each, is_delayed ? index_.now_ms() + in_ms(each.when - now) : 0);
  }
  const auto new_body_at = static_cast<std::uint32_t>(head_bytes + record.size() + 4);
  to.body(body);
  auto apply = [&](const appended& done) noexcept {
    if (message* const still = index_.find(id)) index_.move(*still, done.at, new_body_at);
    moved_ += 1;
  };
  co_await append(record, apply);
  co_return true;
}

task<> queue_core::keep_groups(std::uint64_t from) {
  std::string record = new_record();
  entry_writer to(record);
  std::vector<group_state*> kept;
  for (const auto& each : index_.groups()) {
    if (!each->known || each->segment >= from) continue;
    put_group(to, *each, each->paused);
    kept.push_back(each.get());
  }
  if (kept.empty()) co_return;
  auto apply = [&](const appended& done) noexcept {
    for (group_state* const each : kept) each->segment = done.at.segment;
  };
  co_await append(record, apply);
}

// A send may forget some keys while this waits.
task<> queue_core::keep_keys(std::uint64_t from) {
  forget_old_keys();
  std::vector<std::string> old, written;
  keys_by_age_.for_each([&](seen_key& each) {
    if (each.segment < from) old.push_back(*each.name);
  });
  while (!old.empty()) {
    std::string record = new_record();
    entry_writer to(record);
    written.clear();
    while (!old.empty() && record.size() < most_keys_bytes) {
      const auto known = keys_.find(old.back());
      if (known != keys_.end() && !known->second.pending)
        to.kind(entry_kind::key_seen).text(old.back()).wide(known->second.id).time(known->second.at);
      written.push_back(std::move(old.back()));
      old.pop_back();
    }
    auto apply = [&](const appended& done) noexcept {
      for (const std::string& name : written)
        if (const auto known = keys_.find(name); known != keys_.end() && !known->second.pending)
          known->second.segment = std::max(known->second.segment, done.at.segment);
    };
    co_await append(record, apply);
  }
}

}  // namespace braid::messaging::detail
