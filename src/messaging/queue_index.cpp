#include "queue_index.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace braid::messaging::detail {

namespace {

constexpr std::uint32_t most_passed = 16;

std::size_t bucket_of(std::uint64_t id, std::size_t buckets) noexcept {
  return static_cast<std::size_t>((id * 0x9e3779b97f4a7c15u) >> 20) & (buckets - 1);
}
bool is_before(record_place left, std::uint32_t left_at, record_place right,
               std::uint32_t right_at) noexcept {
  if (left.segment != right.segment) return left.segment < right.segment;
  if (left.offset != right.offset) return left.offset < right.offset;
  return left_at < right_at;
}
std::size_t place_of(slot_state state) noexcept { return static_cast<std::size_t>(state); }

}  // namespace

// ---- lists ----------------------------------------------------------------------------------------------

void slot_list::push_back(slot& each) noexcept {
  each.previous = last;
  each.next = nullptr;
  (last != nullptr ? last->next : first) = &each;
  last = &each;
}
void slot_list::push_front(slot& each) noexcept {
  each.next = first;
  each.previous = nullptr;
  (first != nullptr ? first->previous : last) = &each;
  first = &each;
}
void slot_list::remove(slot& each) noexcept {
  (each.previous != nullptr ? each.previous->next : first) = each.next;
  (each.next != nullptr ? each.next->previous : last) = each.previous;
  each.previous = each.next = nullptr;
}

slot* message::in(const group_state& group) noexcept {
  for (slot& each : slots())
    if (each.group == &group) return &each;
  return nullptr;
}

void group_state::wake_one() noexcept {
  if (!waiting.empty()) waiting.pop_front().go.set();
}
void group_state::wake_all() noexcept {
  wakes_at = loop_clock::time_point::max();
  while (!waiting.empty()) waiting.pop_front().go.set();
}

void drop_notes(slot& of) noexcept {
  while (failure_note* const each = of.notes) {
    of.notes = each->before;
    delete each;
  }
}
void add_note(slot& to, failure_note* made) noexcept {
  made->before = to.notes;
  to.notes = made;
  failure_note* last = made;
  for (std::size_t kept = 1; kept != most_notes && last != nullptr; ++kept) last = last->before;
  if (last == nullptr) return;
  delete std::exchange(last->before, nullptr);
}

// ---- messages -------------------------------------------------------------------------------------------

prepared_message::prepared_message(queue_index& in, std::string_view key,
                                   std::span<const std::uint32_t> groups)
    : in_(&in) {
  in.promise(groups.size());
  keyed* its_key = nullptr;
  try {
    if (!key.empty()) {
      const auto at = in.keys_.try_emplace(std::string(key)).first;
      its_key = &at->second;
      its_key->name = &at->first;
      its_key->users += 1;
      if (its_key->lines.size() < in.groups_.size()) its_key->lines.resize(in.groups_.size());
    }
    void* const memory = ::operator new(sizeof(message) + groups.size() * sizeof(slot));
    made_ = new (memory) message;
  } catch (...) {
    if (its_key != nullptr) in.release_key(*its_key);
    in.promised_ -= 1;
    in.promised_slots_ -= groups.size();
    throw;
  }
  made_->key = its_key;
  made_->slot_count = static_cast<std::uint16_t>(groups.size());
  for (std::size_t i = 0; i != groups.size(); ++i) {
    slot* const each = new (reinterpret_cast<slot*>(made_ + 1) + i) slot;
    each->of = made_;
    each->group = in.groups_[groups[i]].get();
  }
}
prepared_message::prepared_message(prepared_message&& other) noexcept
    : in_(other.in_), made_(std::exchange(other.made_, nullptr)) {}
prepared_message::~prepared_message() {
  if (made_ == nullptr) return;
  if (made_->key != nullptr) in_->release_key(*made_->key);
  in_->promised_ -= 1;
  in_->promised_slots_ -= made_->slot_count;
  queue_index::destroy(made_);
}

queue_index::~queue_index() {
  while (message* const each = oldest_) {
    oldest_ = each->newer;
    destroy(each);
  }
}
void queue_index::destroy(message* which) noexcept {
  for (slot& each : which->slots()) {
    drop_notes(each);
    each.~slot();
  }
  which->~message();
  ::operator delete(which);
}

std::int64_t queue_index::now_ms() const noexcept {
  const auto now = time_of_day_ != nullptr ? time_of_day_() : std::chrono::system_clock::now();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
}

// Makes room for one more message.
void queue_index::promise(std::size_t slots) {
  const std::size_t messages = count_ + promised_ + 1, all_slots = slots_ + promised_slots_ + slots;
  if (timers_.capacity() < all_slots) timers_.reserve(std::max(all_slots, 2 * timers_.capacity()));
  if (buckets_.size() < messages) {
    std::vector<message*> more(std::max<std::size_t>(64, 2 * buckets_.size()));
    buckets_.swap(more);
    for (message* each = oldest_; each != nullptr; each = each->newer) {
      message*& bucket = buckets_[bucket_of(each->id, buckets_.size())];
      each->bucket_next = std::exchange(bucket, each);
    }
  }
  promised_ += 1;
  promised_slots_ += slots;
}

void queue_index::release_key(keyed& key) noexcept {
  if (--key.users == 0) keys_.erase(keys_.find(*key.name));
}

message* queue_index::find(std::uint64_t id) const noexcept {
  if (buckets_.empty()) return nullptr;
  message* each = buckets_[bucket_of(id, buckets_.size())];
  while (each != nullptr && each->id != id) each = each->bucket_next;
  return each;
}

// Most messages have the newest place of all.
void queue_index::place(message& which) noexcept {
  message* before = newest_;
  while (before != nullptr && is_before(which.at, which.body_at, before->at, before->body_at))
    before = before->older;
  which.older = before;
  which.newer = before != nullptr ? before->newer : oldest_;
  (before != nullptr ? before->newer : oldest_) = &which;
  (which.newer != nullptr ? which.newer->older : newest_) = &which;
}
void queue_index::unplace(message& which) noexcept {
  (which.older != nullptr ? which.older->newer : oldest_) = which.newer;
  (which.newer != nullptr ? which.newer->older : newest_) = which.older;
}

void queue_index::add(prepared_message&& made) noexcept {
  message& it = *std::exchange(made.made_, nullptr);
  promised_ -= 1;
  promised_slots_ -= it.slot_count;
  slots_ += it.slot_count;
  count_ += 1;
  bytes_ += it.body_bytes;
  message*& bucket = buckets_[bucket_of(it.id, buckets_.size())];
  it.bucket_next = std::exchange(bucket, &it);
  place(it);
  it.open = 0;
  for (slot& each : it.slots()) {
    if (each.state == slot_state::done) continue;
    it.open += 1;
    if (each.state != slot_state::dead) join_line(each);
    enter(each, false);
    if (each.state == slot_state::leased && each.token != 0) add_timer(each);
    settle(each, false);
  }
}

void queue_index::move(message& which, record_place to, std::uint32_t body_at) noexcept {
  unplace(which);
  which.at = to;
  which.body_at = body_at;
  place(which);
}

void queue_index::remove(message& which) noexcept {
  message** link = &buckets_[bucket_of(which.id, buckets_.size())];
  while (*link != &which) link = &(*link)->bucket_next;
  *link = which.bucket_next;
  unplace(which);
  for (slot& each : which.slots()) {
    if (each.state == slot_state::done) continue;
    change(each, slot_state::done);
  }
  count_ -= 1;
  bytes_ -= which.body_bytes;
  slots_ -= which.slot_count;
  if (which.key != nullptr) release_key(*which.key);
  destroy(&which);
}

// ---- groups ---------------------------------------------------------------------------------------------

group_state* queue_index::find_group(std::string_view name) const noexcept {
  for (const auto& each : groups_)
    if (each->name == name) return each.get();
  return nullptr;
}
group_state& queue_index::group(std::uint32_t number) {
  while (groups_.size() <= number) {
    auto made = std::make_unique<group_state>();
    made->number = static_cast<std::uint32_t>(groups_.size());
    made->name = "lost-" + std::to_string(groups_.size());
    groups_.push_back(std::move(made));
  }
  return *groups_[number];
}
void queue_index::add_group(std::unique_ptr<group_state> made) noexcept {
  groups_.push_back(std::move(made));
}

void queue_index::set_options(group_state& of, const group_options& how) noexcept {
  of.how = how;
  for (auto& [name, key] : keys_)
    if (key.lines.size() > of.number)
      if (slot* const first = key.lines[of.number].first) settle(*first, false);
}

// ---- the states of a slot -------------------------------------------------------------------------------

void queue_index::change(slot& which, slot_state to, bool in_front) noexcept {
  const bool had_line = which.state != slot_state::dead && which.state != slot_state::done;
  const bool has_line = to != slot_state::dead && to != slot_state::done;
  leave(which);
  which.state = to;
  if (had_line && !has_line) leave_line(which);
  if (!had_line && has_line) join_line(which);
  enter(which, in_front);
  settle(which, in_front);
}

void queue_index::leave(slot& which) noexcept {
  which.group->counts[place_of(which.state)] -= 1;
  if (which.listed) unlist(which);
  if (which.timer_at != slot::no_timer) remove_timer(which);
  if (which.state == slot_state::dead) which.group->dead.remove(which);
  if (which.state == slot_state::leased)
    if (key_line* const line = line_of(which)) line->leased -= 1;
}
void queue_index::enter(slot& which, bool in_front) noexcept {
  which.group->counts[place_of(which.state)] += 1;
  if (which.state == slot_state::ready && line_of(which) == nullptr) list(which, in_front);
  if (which.state == slot_state::delayed) add_timer(which);
  if (which.state == slot_state::dead) which.group->dead.push_back(which);
  if (which.state == slot_state::leased)
    if (key_line* const line = line_of(which)) line->leased += 1;
}

void queue_index::list(slot& which, bool in_front) noexcept {
  slot_list& level = which.group->ready[which.of->priority];
  if (in_front)
    level.push_front(which);
  else
    level.push_back(which);
  which.listed = true;
  which.group->wake_one();
}
void queue_index::unlist(slot& which) noexcept {
  which.group->ready[which.of->priority].remove(which);
  which.listed = false;
  if (key_line* const line = line_of(which)) line->listed = nullptr;
}

key_line* queue_index::line_of(slot& which) noexcept {
  return which.of->key == nullptr ? nullptr : &which.of->key->lines[which.group->number];
}
void queue_index::join_line(slot& which) noexcept {
  key_line* const line = line_of(which);
  if (line == nullptr) return;
  slot* before = line->last;
  while (before != nullptr && before->of->id > which.of->id) before = before->line_previous;
  which.line_previous = before;
  which.line_next = before != nullptr ? before->line_next : line->first;
  (before != nullptr ? before->line_next : line->first) = &which;
  (which.line_next != nullptr ? which.line_next->line_previous : line->last) = &which;
}
void queue_index::leave_line(slot& which) noexcept {
  key_line* const line = line_of(which);
  if (line == nullptr) return;
  (which.line_previous != nullptr ? which.line_previous->line_next : line->first) = which.line_next;
  (which.line_next != nullptr ? which.line_next->line_previous : line->last) = which.line_previous;
  which.line_previous = which.line_next = nullptr;
}
// Lists the first of a key's messages that is not delivered yet, if the key has room for it and it is ready.
void queue_index::settle(slot& which, bool in_front) noexcept {
  key_line* const line = line_of(which);
  if (line == nullptr) return;
  slot* wanted = line->first;
  while (wanted != nullptr && wanted->state == slot_state::leased) wanted = wanted->line_next;
  const auto limit = static_cast<std::uint32_t>(which.group->how.key_limit);
  if (wanted != nullptr && (wanted->state != slot_state::ready || line->leased >= limit)) wanted = nullptr;
  if (line->listed == wanted) return;
  if (line->listed != nullptr) unlist(*line->listed);
  if (wanted == nullptr) return;
  line->listed = wanted;
  list(*wanted, in_front);
}

// ---- deliveries -----------------------------------------------------------------------------------------

slot* queue_index::pick(group_state& from) noexcept {
  int chosen = -1;
  for (int level = priorities - 1; level >= 0; --level) {
    if (from.ready[static_cast<std::size_t>(level)].empty()) continue;
    if (chosen < 0 || from.passed[static_cast<std::size_t>(level)] >= most_passed) chosen = level;
  }
  if (chosen < 0) return nullptr;
  for (int level = 0; level != priorities; ++level) {
    const auto at = static_cast<std::size_t>(level);
    if (level == chosen || from.ready[at].empty())
      from.passed[at] = 0;
    else if (level < chosen)
      from.passed[at] += 1;
  }
  return from.ready[static_cast<std::size_t>(chosen)].first;
}

void queue_index::take(slot& which) noexcept {
  which.busy = true;
  change(which, slot_state::leased);
}
void queue_index::untake(slot& which) noexcept {
  which.busy = false;
  change(which, slot_state::ready, true);
}
void queue_index::grant(slot& which, std::uint64_t token, loop_clock::time_point until,
                        failure_note* note) noexcept {
  which.busy = false;
  which.token = token;
  which.when = until;
  which.attempts += 1;
  note->attempt = which.attempts;
  add_note(which, note);
  add_timer(which);
  which.group->seen.deliveries += 1;
}
void queue_index::extend(slot& which, loop_clock::time_point until) noexcept {
  if (which.timer_at != slot::no_timer) remove_timer(which);
  which.when = until;
  add_timer(which);
}
void queue_index::not_busy(slot& which) noexcept {
  which.busy = false;
  if (which.state == slot_state::leased && which.timer_at == slot::no_timer) add_timer(which);
}
bool queue_index::finish(slot& which) noexcept {
  which.busy = false;
  change(which, slot_state::done);
  drop_notes(which);
  return --which.of->open == 0;
}
void queue_index::fail(slot& which, slot_state then, loop_clock::time_point when) noexcept {
  which.busy = false;
  which.group->seen.failures += 1;
  if (then == slot_state::dead) which.group->seen.buried += 1;
  if (which.timer_at != slot::no_timer) remove_timer(which);  // before the time of its lease is replaced
  which.when = when;
  change(which, then);
}
void queue_index::expire(slot& which, delivery_failure how) noexcept {
  which.notes->how = how;
  which.notes->at = now_ms();
  which.group->seen.failures += 1;
  change(which, slot_state::ready);
}
void queue_index::lose(slot& which) noexcept {
  which.notes->how = delivery_failure::lost;
  which.notes->at = now_ms();
  which.recoveries += 1;
  which.group->seen.recoveries += 1;
  change(which, slot_state::ready, true);
}
void queue_index::bury(slot& which) noexcept {
  which.busy = false;
  which.group->seen.buried += 1;
  change(which, slot_state::dead);
}
void queue_index::give_back(slot& which) noexcept {
  which.busy = false;
  which.attempts -= 1;
  failure_note* const begun = which.notes;
  which.notes = begun->before;
  delete begun;
  change(which, slot_state::ready, true);
}
void queue_index::redrive(slot& which) noexcept {
  which.busy = false;
  which.attempts = which.recoveries = 0;
  drop_notes(which);
  change(which, slot_state::ready);
}

// ---- time -----------------------------------------------------------------------------------------------

void queue_index::turn_due(loop_clock::time_point now) noexcept {
  while (!timers_.empty() && timers_.front()->when <= now) {
    slot& due = *timers_.front();
    if (due.state == slot_state::delayed)
      change(due, slot_state::ready);
    else if (due.busy)
      remove_timer(due);  // its outcome is on its way
    else
      expire(due, delivery_failure::expired);
  }
}

void queue_index::add_timer(slot& which) noexcept {
  which.timer_at = static_cast<std::uint32_t>(timers_.size());
  timers_.push_back(&which);  // within its capacity
  sift(which.timer_at);
  if (which.when < which.group->wakes_at) which.group->wake_all();
}
void queue_index::remove_timer(slot& which) noexcept {
  const std::size_t at = std::exchange(which.timer_at, slot::no_timer);
  slot* const last = timers_.back();
  timers_.pop_back();
  if (last == &which) return;
  timers_[at] = last;
  last->timer_at = static_cast<std::uint32_t>(at);
  sift(at);
}
// Moves the slot at this place of the heap to where it belongs.
void queue_index::sift(std::size_t at) noexcept {
  slot* const it = timers_[at];
  const auto put = [this](std::size_t where, slot* what) {
    timers_[where] = what;
    what->timer_at = static_cast<std::uint32_t>(where);
  };
  while (at != 0 && it->when < timers_[(at - 1) / 2]->when) {
    put(at, timers_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  for (std::size_t child = 2 * at + 1; child < timers_.size(); child = 2 * at + 1) {
    if (child + 1 < timers_.size() && timers_[child + 1]->when < timers_[child]->when) ++child;
    if (it->when <= timers_[child]->when) break;
    put(at, timers_[child]);
    at = child;
  }
  put(at, it);
}

}  // namespace braid::messaging::detail
