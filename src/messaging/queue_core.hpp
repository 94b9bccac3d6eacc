#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/pinned.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/messaging/consume_options.hpp"
#include "braid/messaging/detail/queue_engine.hpp"
#include "braid/messaging/error.hpp"
#include "braid/messaging/queue_metrics.hpp"
#include "braid/messaging/queue_options.hpp"
#include "braid/messaging/queue_snapshot.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/mutex.hpp"
#include "braid/sync/semaphore.hpp"
#include "log_core.hpp"
#include "queue_format.hpp"
#include "queue_index.hpp"

namespace braid::messaging::detail {

// An idempotency key within its window.
struct seen_key : braid::detail::list_node {
  const std::string* name = nullptr;
  std::uint64_t id = 0;
  std::int64_t at = 0;  // when its message was sent
  std::uint64_t segment = 0;  // where the log says so
  loop_clock::time_point until{};
  bool pending = true;  // its message is on its way
  event settled;
};

// A queue over one log: its index changes once the entry that says so is durable. docs/messaging.md has the
// entries.
//
// Threads  its loop's.
class queue_core : pinned, public std::enable_shared_from_this<queue_core> {
 public:
  explicit queue_core(const queue_options& how);
  ~queue_core();

  // ---- queue_opening.cpp
  [[nodiscard]] static task<std::shared_ptr<queue_core>> open(std::filesystem::path directory,
                                                              queue_options how);

  // ---- queue_snapshot.cpp
  // Opens it beside the process that may write to it. Only what a snapshot shows may be called.
  [[nodiscard]] static task<std::shared_ptr<queue_core>> open_to_read(std::filesystem::path directory);
  [[nodiscard]] std::vector<queued_message> messages(std::string_view group,
                                                     const message_filter& which) const;
  [[nodiscard]] static task<std::string> body_of(std::shared_ptr<queue_core> self, std::uint64_t id);

  // ---- queue_core.cpp
  [[nodiscard]] static task<> make_group(std::shared_ptr<queue_core> self, std::string name,
                                         group_options how);
  [[nodiscard]] static task<> close(std::shared_ptr<queue_core> self);
  void abandon() noexcept;  // its owner is gone: what waits ends
  [[nodiscard]] queue_metrics metrics() const;
  [[nodiscard]] std::vector<dead_letter> dead_letters(std::string_view group) const;
  [[nodiscard]] const queue_recovery& recovery() const noexcept { return recovery_; }
  void check() const { index_.check(); }

  // ---- queue_sending.cpp
  [[nodiscard]] static task<std::vector<std::uint64_t>> send_all(std::shared_ptr<queue_core> self,
                                                                 std::span<const outgoing> all, bool waits,
                                                                 const lease_name* acked);

  // ---- queue_delivering.cpp
  [[nodiscard]] static task<leased_message> receive(std::shared_ptr<queue_core> self, std::string group);
  [[nodiscard]] static task<> ack(std::shared_ptr<queue_core> self, lease_name lease);
  [[nodiscard]] static task<> nack(std::shared_ptr<queue_core> self, lease_name lease,
                                   loop_clock::duration delay, std::string reason);
  [[nodiscard]] static task<> extend(std::shared_ptr<queue_core> self, lease_name lease,
                                     loop_clock::duration time);
  [[nodiscard]] static task<> give_back(std::shared_ptr<queue_core> self, lease_name lease);
  void drop(lease_name lease) noexcept;

  // ---- queue_managing.cpp
  // Redrives dead messages, or removes them.
  [[nodiscard]] static task<std::size_t> handle_dead(std::shared_ptr<queue_core> self, std::string group,
                                                     dead_letter_filter filter, bool purges);
  [[nodiscard]] static task<> set_paused(std::shared_ptr<queue_core> self, std::string name, bool paused);
  [[nodiscard]] static task<bool> drain(std::shared_ptr<queue_core> self, loop_clock::time_point deadline);
  // The delivery has no outcome, and none is being written.
  [[nodiscard]] bool holds(lease_name lease) noexcept;

 private:
  // An append that is under way: its record is in this segment or in a later one.
  struct pending_append : braid::detail::list_node {
    explicit pending_append(std::uint64_t its_segment) noexcept : segment(its_segment) {}
    ~pending_append() {
      if (linked()) unlink();
    }
    const std::uint64_t segment;
  };
  class claimed_keys;  // of a send
  class busy_slot;  // of an outcome
  class busy_slots;
  class taken_slot;  // of a receive

  // ---- queue_core.cpp
  void require_open(const char* call) const;
  [[nodiscard]] error failure(errc why, const char* call, std::string_view what = {}) const;
  group_state& require_group(std::string_view name, const char* call) const;
  // Appends a record, whatever stop is requested. apply(appended) changes the index, once the record is
  // durable and in the order of the records: two operations that wait for appends may go on in either order.
  template <class Apply>
  [[nodiscard]] task<> append(const std::string& record, Apply& apply) {
    static_assert(noexcept(apply(appended{})));
    return append_and(record, {&apply, [](void* what, const appended& done) noexcept {
                                 (*static_cast<Apply*>(what))(done);
                               }});
  }
  [[nodiscard]] task<> append_and(const std::string& record, append_hook apply);
  void end_waits() noexcept;
  void give_room(std::size_t messages, std::size_t bytes) noexcept;
  void forget_old_keys() noexcept;
  [[nodiscard]] task<> close_log();
  [[nodiscard]] std::size_t unfinished() const noexcept;
  // Lets drain look again.
  void note_progress() noexcept {
    progress_.set();
    progress_.reset();
  }

  // ---- queue_sending.cpp
  [[nodiscard]] std::vector<std::uint32_t> group_numbers() const;

  // ---- queue_delivering.cpp
  [[nodiscard]] task<> wait_for_message(group_state& from);
  [[nodiscard]] task<> read_body(const message& of, std::string& to);
  // Makes a taken slot dead.
  [[nodiscard]] task<> bury(taken_slot& taken, std::unique_ptr<failure_note> note);
  slot& require_lease(lease_name lease, const char* call);
  void finish(slot& which) noexcept;

  // ---- queue_tidying.cpp
  void tidy_if_due() noexcept;
  [[nodiscard]] static task<> tidy(std::shared_ptr<queue_core> self);
  [[nodiscard]] task<> remove_front();
  [[nodiscard]] std::uint64_t needed_segment() noexcept;
  [[nodiscard]] bool wastes_space() const noexcept;
  [[nodiscard]] task<bool> move_oldest();
  [[nodiscard]] task<> keep_groups(std::uint64_t from);
  [[nodiscard]] task<> keep_keys(std::uint64_t from);

  // ---- queue_opening.cpp
  [[nodiscard]] task<> replay();
  void replay_record(const log_record& record);
  void replay_entry(entry_kind kind, entry_reader& from, const log_record& record, std::size_t& sent);
  void replay_group(entry_reader& from, const log_record& record);
  void replay_message(entry_reader& from, const log_record& record, std::uint64_t id, bool kept);
  static void replay_slot(entry_reader& from, slot& which, std::int64_t now);
  void replay_outcome(entry_kind kind, entry_reader& from, const log_record& record);
  void replay_delivery(std::uint64_t opened_at, const log_record& record, slot& which);
  void replay_failure(entry_reader& from, slot* which);
  void end_lease(slot& which, std::uint64_t opened_at) noexcept;
  void remember_key(std::string_view name, std::uint64_t id, std::int64_t at, std::uint64_t segment);
  void recover_leases() noexcept;

  const queue_options how_;
  std::shared_ptr<log_core> log_;
  queue_index index_;
  queue_recovery recovery_;
  std::uint64_t opened_at_ = 0;  // the last record that was there when it was opened

  semaphore room_, room_bytes_;
  std::size_t debt_ = 0, debt_bytes_ = 0;  // what it holds beyond its bounds

  std::unordered_map<std::string, seen_key> keys_;
  braid::detail::intrusive_list<seen_key> keys_by_age_;  // those that are not pending

  mutex groups_door_;  // of what changes the groups
  braid::detail::intrusive_list<pending_append> appending_;
  std::uint64_t tidied_at_ = 0;  // the last segment then
  bool tidying_ = false;

  std::uint64_t sent_ = 0, refused_ = 0, duplicates_ = 0, moved_ = 0, failed_removals_ = 0;
  bool closed_ = false, draining_ = false;
  event close_ended_, progress_;
};

// A slot whose outcome is being appended. Unless that is done, the destructor leaves the delivery as it was.
class queue_core::busy_slot : pinned {
 public:
  busy_slot(queue_index& in, slot& which) noexcept : in_(in), which_(&which) { which.busy = true; }
  ~busy_slot() {
    if (which_ != nullptr) in_.not_busy(*which_);
  }
  void done() noexcept { which_ = nullptr; }

 private:
  queue_index& in_;
  slot* which_;
};

// ---- entries: queue_entries.cpp

void put_group(entry_writer& to, const group_state& group, bool paused);
// A message's fields up to its groups; those follow, and then its body.
void put_message(entry_writer& to, const message& of, std::string_view key);
void put_slot_state(entry_writer& to, const slot& of, std::int64_t due);
void put_about(entry_writer& to, entry_kind kind, const slot& about);
void put_failure(entry_writer& to, const slot& about, std::uint64_t opened_at, bool dead, std::int64_t due,
                 const failure_note& note);
[[nodiscard]] std::string new_record();

// A failure's wait, in whole milliseconds.
[[nodiscard]] std::int64_t in_ms(loop_clock::duration time) noexcept;

}  // namespace braid::messaging::detail
