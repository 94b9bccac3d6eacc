#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "braid/messaging/consume_options.hpp"
#include "braid/messaging/queue_metrics.hpp"
#include "braid/messaging/queue_options.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"

namespace braid::messaging::detail {

// Names one delivery: its holder passes it to each operation on it.
struct lease_name {
  std::uint64_t id = 0, token = 0;
  std::uint32_t group = 0;
};
struct leased_message {
  lease_name lease;
  std::uint32_t attempt = 0;
  loop_clock::duration lease_time{};  // that the group gives a delivery
  std::string key, body;
};

// Where the messages of a queue are: in files, or on a server. `queue` and `delivery` are fronts over this
// interface, and queue::consume is written over it, once for all engines. docs/messaging.md says what each
// function promises, under the name of the front's. tests/messaging/conformance.hpp tests it.
//
// Lifetime  a shared_ptr holds it. A task that it returns keeps alive what it needs: it may outlive the
//           engine.
// Threads   its loop's.
class queue_engine : pinned {
 public:
  virtual ~queue_engine() = default;

  [[nodiscard]] virtual task<> make_group(std::string name, group_options how) = 0;

  // Sends all or none, and gives their numbers. `waits` for room, or fails with errc::queue_full. `acked`, if
  // there is one, is acknowledged in the same step, and then the send waits for no room and is not refused.
  // Lifetime  the messages and `acked` stay alive until the task has ended.
  [[nodiscard]] virtual task<std::vector<std::uint64_t>> send_all(std::span<const outgoing> all, bool waits,
                                                                  const lease_name* acked) = 0;

  [[nodiscard]] virtual task<leased_message> receive(std::string group) = 0;
  [[nodiscard]] virtual task<> ack(lease_name lease) = 0;
  [[nodiscard]] virtual task<> nack(lease_name lease, loop_clock::duration delay, std::string reason) = 0;
  [[nodiscard]] virtual task<> extend(lease_name lease, loop_clock::duration time) = 0;
  // Ends the delivery as if it had not begun: the attempt does not count.
  [[nodiscard]] virtual task<> give_back(lease_name lease) = 0;
  // The delivery was destroyed. Without an outcome its lease ends, now if the engine can, and at its time
  // otherwise.
  virtual void drop(lease_name lease) noexcept = 0;
  // As far as is known here: the delivery has no outcome, none is being written, and its lease has not ended.
  // Also true where an outcome would fail with the error that has ended the queue.
  [[nodiscard]] virtual bool holds(lease_name lease) noexcept = 0;
  // A consumer tries again after a pause what has failed with this error, instead of failing with it.
  [[nodiscard]] virtual bool may_pass(const error& why) const noexcept = 0;

  [[nodiscard]] virtual task<> set_paused(std::string group, bool paused) = 0;
  [[nodiscard]] virtual task<bool> drain(loop_clock::time_point deadline) = 0;
  // Redrives dead letters, or removes them.
  [[nodiscard]] virtual task<std::size_t> handle_dead(std::string group, dead_letter_filter which,
                                                      bool purges) = 0;
  [[nodiscard]] virtual task<std::vector<dead_letter>> dead_letters(std::string group) = 0;
  [[nodiscard]] virtual task<queue_metrics> metrics() = 0;
  // Throws std::logic_error unless each unfinished message is ready, delayed, leased or dead in each group.
  [[nodiscard]] virtual task<> check() = 0;
  [[nodiscard]] virtual const queue_recovery& recovery() const noexcept = 0;

  [[nodiscard]] virtual task<> close() = 0;
  // The queue was destroyed: what waits ends with errc::queue_closed.
  virtual void abandon() noexcept = 0;

  // Set by the queue once it is closed or was destroyed, and what was delivered is given back: consumers end.
  event ended;
};

}  // namespace braid::messaging::detail
