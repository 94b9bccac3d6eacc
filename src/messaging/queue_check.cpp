#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include "queue_index.hpp"

// The invariant of a queue.
namespace braid::messaging::detail {

namespace {

std::size_t index_of(slot_state each) noexcept { return static_cast<std::size_t>(each); }
void must(bool holds, const char* what) {
  if (!holds) throw std::logic_error(std::string("queue::check: ") + what);
}
// Is the slot where its state says, and nowhere else?
void check_slot(slot& each, const std::vector<slot*>& timers) {
  const bool has_timer = each.timer_at != slot::no_timer;
  must(!has_timer || (each.timer_at < timers.size() && timers[each.timer_at] == &each), "a timer is lost");
  must(each.attempts >= each.recoveries, "there are more recoveries than attempts");
  switch (each.state) {
    case slot_state::ready:
      must(!has_timer, "a ready message has a timer");
      must(each.listed || each.of->key != nullptr, "a ready message is never delivered");
      break;
    case slot_state::delayed: must(has_timer && !each.listed, "a delayed message has no timer"); break;
    case slot_state::leased:
      must((has_timer || each.busy) && !each.listed, "a lease has no end");
      must(each.busy || each.notes != nullptr, "a delivery has no note");
      break;
    case slot_state::dead: must(!has_timer && !each.listed, "a dead message has a timer"); break;
    case slot_state::done: must(!has_timer && !each.listed && !each.busy, "a finished message has a timer");
  }
}
std::size_t length_of(const slot_list& list) noexcept {
  std::size_t length = 0;
  for (const slot* each = list.first; each != nullptr; each = each->next) ++length;
  return length;
}

}  // namespace

void queue_index::check_line(const keyed& key, const group_state& group) const {
  if (key.lines.size() <= group.number) return;
  const key_line& line = key.lines[group.number];
  std::uint32_t leased = 0;
  const slot* wanted = nullptr;
  std::uint64_t last = 0;
  for (const slot* each = line.first; each != nullptr; each = each->line_next) {
    must(each->of->id > last, "the messages of a key are out of order");
    must(each->state != slot_state::dead && each->state != slot_state::done, "a finished message is in line");
    must(!each->listed || line.listed == each, "two messages of a key are listed");
    last = each->of->id;
    if (each->state == slot_state::leased) ++leased;
    if (each->state != slot_state::leased && wanted == nullptr) wanted = each;
  }
  must(leased == line.leased, "a key's leases are miscounted");
  if (wanted != nullptr && wanted->state == slot_state::ready &&
      leased < static_cast<std::uint32_t>(group.how.key_limit))
    must(line.listed == wanted, "the head of a key is not listed");
  else
    must(line.listed == nullptr, "a message of a key is listed too early");
}

void queue_index::check() const {
  std::size_t messages = 0, bytes = 0, timers = 0;
  std::vector<std::array<std::size_t, slot_states>> counts(groups_.size());
  std::vector<std::size_t> listed(groups_.size());
  for (message* each = oldest_; each != nullptr; each = each->newer) {
    messages += 1;
    bytes += each->body_bytes;
    must(find(each->id) == each, "a message is not found");
    must(each->newer == nullptr || each->newer->older == each, "the order of places is broken");
    std::size_t open = 0;
    for (slot& one : each->slots()) {
      check_slot(one, timers_);
      counts[one.group->number][index_of(one.state)] += 1;
      listed[one.group->number] += one.listed ? 1 : 0;
      open += one.state != slot_state::done ? 1 : 0;
      timers += one.timer_at != slot::no_timer ? 1 : 0;
    }
    must(open == each->open && open != 0, "a finished message is kept");
  }
  must(messages == count_ && bytes == bytes_ && timers == timers_.size(), "the queue has miscounted");
  for (const auto& each : groups_) {
    for (const slot_state state :
         {slot_state::ready, slot_state::delayed, slot_state::leased, slot_state::dead})
      must(counts[each->number][index_of(state)] == each->counts[index_of(state)], "a group has miscounted");
    std::size_t ready = 0;
    for (const slot_list& level : each->ready) ready += length_of(level);
    must(ready == listed[each->number], "a ready message is in no list");
    must(length_of(each->dead) == each->counts[index_of(slot_state::dead)], "a dead message is in no list");
    for (const auto& [name, key] : keys_) check_line(key, *each);
  }
}

}  // namespace braid::messaging::detail
