#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "braid/messaging/detail/log_format.hpp"
#include "braid/messaging/queue_metrics.hpp"
#include "braid/messaging/queue_options.hpp"
#include "braid/sync/event.hpp"

// What a queue knows of its messages: all but their bodies. Functions that change it are noexcept; what they
// need of memory was allocated before, by `prepared_message` or in a note. So an operation first prepares,
// then appends to the log, and then changes the index, which cannot fail any more.
namespace braid::messaging::detail {

struct message;
struct group_state;

enum class slot_state : std::uint8_t { ready, delayed, leased, dead, done };
inline constexpr std::size_t slot_states = 5;
inline constexpr int priorities = 10;

// How a delivery ended, or that it has begun.
struct failure_note {
  failure_note* before = nullptr;  // of the same message in the same group
  std::int64_t at = 0;  // in ms since 1970
  std::uint32_t attempt = 0;
  delivery_failure how = delivery_failure::none;
  std::string reason;
};
inline constexpr std::size_t most_reason_bytes = 500, most_notes = 20;

// A message in one group.
struct slot : pinned {
  message* of = nullptr;
  group_state* group = nullptr;
  slot *previous = nullptr, *next = nullptr;  // in a list of ready or dead ones
  slot *line_previous = nullptr, *line_next = nullptr;  // in the line of the key
  failure_note* notes = nullptr;  // the newest first; of a leased slot the first is that of the delivery
  std::uint64_t token = 0;  // the number of the record of the last delivery
  loop_clock::time_point when{};  // delayed: until then; leased: until then
  std::uint32_t timer_at = no_timer;
  std::uint32_t attempts = 0, recoveries = 0;
  slot_state state = slot_state::ready;
  bool busy = false;  // an append is under way that will change it
  bool listed = false;  // it is the next of its group's ready ones, or of its key

  static constexpr std::uint32_t no_timer = ~std::uint32_t{0};
};

struct slot_list {
  slot *first = nullptr, *last = nullptr;
  [[nodiscard]] bool empty() const noexcept { return first == nullptr; }
  void push_back(slot& each) noexcept;
  void push_front(slot& each) noexcept;
  void remove(slot& each) noexcept;
};

// The messages of a key in a group that are neither finished nor dead, in the order in which they were sent.
struct key_line {
  slot *first = nullptr, *last = nullptr;
  slot* listed = nullptr;  // the one that may be delivered now
  std::uint32_t leased = 0;
};
struct keyed {
  const std::string* name = nullptr;
  std::size_t users = 0;  // messages, prepared ones too
  std::vector<key_line> lines;  // by the number of the group
};

// A message and, behind it in memory, its slots.
struct message : pinned {
  std::uint64_t id = 0;
  message *older = nullptr, *newer = nullptr;  // by the place in the log
  message* bucket_next = nullptr;
  record_place at{};  // of the record that has it
  std::uint32_t body_at = 0, body_bytes = 0, body_sum = 0;  // in the record's bytes; its checksum
  std::int64_t sent_at = 0;
  keyed* key = nullptr;
  std::uint16_t slot_count = 0, open = 0;  // open: not done
  std::uint8_t priority = 0;

  [[nodiscard]] std::span<slot> slots() noexcept { return {reinterpret_cast<slot*>(this + 1), slot_count}; }
  [[nodiscard]] slot* in(const group_state& group) noexcept;
};
static_assert(alignof(slot) <= alignof(message) && sizeof(message) % alignof(slot) == 0);
static_assert(sizeof(message) + sizeof(slot) <= 216);

// A receive that waits for a message.
struct waiting_receiver : braid::detail::list_node {
  ~waiting_receiver() {
    if (linked()) unlink();
  }
  event go;
};

struct group_state : pinned {
  std::uint32_t number = 0;
  std::string name;
  group_options how;
  bool known = false;  // the log says its name
  bool paused = false;
  std::uint64_t segment = 0;  // where it says so

  std::array<slot_list, priorities> ready;
  std::array<std::uint32_t, priorities> passed{};  // how often a higher priority went first
  slot_list dead;
  std::array<std::size_t, slot_states> counts{};
  group_metrics seen;  // the counts alone

  braid::detail::intrusive_list<waiting_receiver> waiting;
  loop_clock::time_point wakes_at = loop_clock::time_point::max();  // the first of those that wait
  void wake_one() noexcept;
  void wake_all() noexcept;
};

class queue_index;

// A message that is not in the index yet, with all that it will need there.
class prepared_message {
 public:
  prepared_message(queue_index& in, std::string_view key, std::span<const std::uint32_t> groups);
  prepared_message(prepared_message&& other) noexcept;
  prepared_message& operator=(prepared_message&&) = delete;
  ~prepared_message();
  [[nodiscard]] message& operator*() const noexcept { return *made_; }
  [[nodiscard]] message* operator->() const noexcept { return made_; }

 private:
  friend queue_index;
  queue_index* in_;
  message* made_ = nullptr;
};

class queue_index : pinned {
 public:
  using time_of_day = std::chrono::system_clock::time_point (*)() noexcept;
  explicit queue_index(time_of_day now) noexcept : time_of_day_(now) {}
  ~queue_index();
  [[nodiscard]] std::int64_t now_ms() const noexcept;

  [[nodiscard]] std::span<const std::unique_ptr<group_state>> groups() const noexcept { return groups_; }
  [[nodiscard]] group_state* find_group(std::string_view name) const noexcept;
  // Makes those up to this number, too. Throws.
  group_state& group(std::uint32_t number);
  void add_group(std::unique_ptr<group_state> made) noexcept;  // there is room for it
  void set_options(group_state& of, const group_options& how) noexcept;
  void reserve_group() { groups_.reserve(groups_.size() + 1); }

  [[nodiscard]] message* find(std::uint64_t id) const noexcept;
  [[nodiscard]] std::size_t messages() const noexcept { return count_; }
  [[nodiscard]] std::size_t body_bytes() const noexcept { return bytes_; }
  // The ones whose records stand first and last in the log.
  [[nodiscard]] message* oldest_place() const noexcept { return oldest_; }
  [[nodiscard]] message* newest_place() const noexcept { return newest_; }

  // Adds a message whose fields, and those of its slots, are set.
  void add(prepared_message&& made) noexcept;
  void move(message& which, record_place to, std::uint32_t body_at) noexcept;
  // It has ended in all groups.
  void remove(message& which) noexcept;

  // The slot whose turn it is. Counts it as picked.
  [[nodiscard]] slot* pick(group_state& from) noexcept;
  void take(slot& which) noexcept;  // begins a delivery; it is busy
  void untake(slot& which) noexcept;  // the delivery could not begin
  void grant(slot& which, std::uint64_t token, loop_clock::time_point until, failure_note* note) noexcept;
  void extend(slot& which, loop_clock::time_point until) noexcept;
  void not_busy(slot& which) noexcept;
  [[nodiscard]] bool finish(slot& which) noexcept;  // true: in all groups now
  // The delivery has failed: its note says how. The message is ready again, or later, or dead.
  void fail(slot& which, slot_state then, loop_clock::time_point when = {}) noexcept;
  void expire(slot& which, delivery_failure how) noexcept;  // without an append
  void lose(slot& which) noexcept;  // its process has ended
  void bury(slot& which) noexcept;
  void give_back(slot& which) noexcept;  // the attempt does not count
  void redrive(slot& which) noexcept;

  // Makes ready what is due.
  void turn_due(loop_clock::time_point now) noexcept;
  [[nodiscard]] loop_clock::time_point next_due() const noexcept {
    return timers_.empty() ? loop_clock::time_point::max() : timers_.front()->when;
  }

  // All that are delayed or leased.
  [[nodiscard]] std::span<slot* const> timers() const noexcept { return timers_; }

  // Throws std::logic_error if anything is not as it must be.
  void check() const;

 private:
  friend prepared_message;
  void promise(std::size_t slots);
  void release_key(keyed& key) noexcept;
  static void destroy(message* which) noexcept;
  void place(message& which) noexcept;
  void unplace(message& which) noexcept;

  void change(slot& which, slot_state to, bool in_front = false) noexcept;
  void leave(slot& which) noexcept;
  void enter(slot& which, bool in_front) noexcept;
  void list(slot& which, bool in_front) noexcept;
  void unlist(slot& which) noexcept;
  [[nodiscard]] static key_line* line_of(slot& which) noexcept;
  void join_line(slot& which) noexcept;
  void leave_line(slot& which) noexcept;
  void settle(slot& which, bool in_front) noexcept;
  void add_timer(slot& which) noexcept;
  void remove_timer(slot& which) noexcept;
  void sift(std::size_t at) noexcept;
  void check_line(const keyed& key, const group_state& group) const;

  const time_of_day time_of_day_;
  std::vector<std::unique_ptr<group_state>> groups_;  // by number
  std::unordered_map<std::string, keyed> keys_;
  std::vector<message*> buckets_;
  std::vector<slot*> timers_;  // a heap
  message *oldest_ = nullptr, *newest_ = nullptr;
  std::size_t count_ = 0, bytes_ = 0, slots_ = 0;
  std::size_t promised_ = 0, promised_slots_ = 0;  // of prepared messages
};

void drop_notes(slot& of) noexcept;
// Adds a note and drops the oldest beyond most_notes.
void add_note(slot& to, failure_note* made) noexcept;

}  // namespace braid::messaging::detail
