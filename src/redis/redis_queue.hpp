#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/messaging/detail/held_leases.hpp"
#include "braid/messaging/detail/queue_engine.hpp"
#include "braid/messaging/error.hpp"
#include "braid/redis/script.hpp"
#include "braid/redis/subscription.hpp"
#include "braid/redis/value.hpp"
#include "braid/style/future.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/mutex.hpp"
#include "client_core.hpp"

namespace braid::redis::detail {

using messaging::detail::lease_name;
using messaging::detail::leased_message;

// A queue whose messages are in Redis. Each change is one step of a script; docs/messaging.md has the keys.
// What is kept here is for this process alone: the leases that it holds, and the operations that wait.
//
// An operation of the interface is a coroutine that holds this.
//
// Threads  its loop's.
class redis_queue final : public messaging::detail::queue_engine,
                          public std::enable_shared_from_this<redis_queue> {
 public:
  using ptr = std::shared_ptr<redis_queue>;
  redis_queue(std::shared_ptr<client_core> client, std::string name, const messaging::queue_options& how);

  // ---- redis_queue.cpp
  [[nodiscard]] static task<ptr> open(std::shared_ptr<client_core> client, std::string name,
                                      messaging::queue_options how);
  task<> make_group(std::string name, messaging::group_options how) override;
  bool holds(lease_name lease) noexcept override;
  bool may_pass(const error& why) const noexcept override;
  const messaging::queue_recovery& recovery() const noexcept override;
  task<> close() override;
  void abandon() noexcept override;

  // ---- redis_queue_sending.cpp
  task<std::vector<std::uint64_t>> send_all(std::span<const messaging::outgoing> all, bool waits,
                                            const lease_name* acked) override;

  // ---- redis_queue_delivering.cpp
  task<leased_message> receive(std::string group) override;
  task<> ack(lease_name lease) override;
  task<> nack(lease_name lease, loop_clock::duration delay, std::string reason) override;
  task<> extend(lease_name lease, loop_clock::duration time) override;
  task<> give_back(lease_name lease) override;
  void drop(lease_name lease) noexcept override;

  // ---- redis_queue_managing.cpp
  task<> set_paused(std::string group, bool paused) override;
  task<bool> drain(loop_clock::time_point deadline) override;
  task<std::size_t> handle_dead(std::string group, messaging::dead_letter_filter which, bool purges) override;
  task<std::vector<messaging::dead_letter>> dead_letters(std::string group) override;
  task<messaging::queue_metrics> metrics() override;
  task<> check() override;

 private:
  struct waiting_receiver : braid::detail::list_node {
    ~waiting_receiver() {
      if (linked()) unlink();
    }
    event go;
  };
  // What waits for messages of a group.
  struct group_waits {
    std::int64_t number = 0;  // the server's, once it is known
    std::uint64_t wakes = 0;  // how often something was said about it
    braid::detail::intrusive_list<waiting_receiver> waiting;
    std::vector<std::string> in_doubt;  // requests that may have begun a delivery
    void wake(std::int64_t most) noexcept;
  };
  // A step that close() waits for.
  class counted_step : braid::pinned {
   public:
    explicit counted_step(redis_queue& of) noexcept : of_(of) { ++of_.steps_under_way_; }
    ~counted_step() {
      if (--of_.steps_under_way_ == 0) of_.quiet_.set();
    }

   private:
    redis_queue& of_;
  };
  struct outcome {
    const char* name;  // of the step
    const char* call;
    loop_clock::duration time{};
    std::string reason{};
    bool is_own = false;  // of the queue's, also while it closes
  };
  // The end of listen(), also if its loop has ended and has destroyed it.
  class ended_listening : braid::pinned {
   public:
    explicit ended_listening(redis_queue& of) noexcept : of_(of) {}
    ~ended_listening();

   private:
    redis_queue& of_;
  };

  void require_open(const char* call) const;
  [[nodiscard]] error failure(messaging::errc why, const char* call, std::string_view what = {}) const;
  // Runs a step, whatever stop is requested, and gives its reply, whose first element says how it ended.
  // One that is repeatable is sent again when its reply was lost.
  [[nodiscard]] static task<std::vector<value>> step(ptr self, std::vector<std::string> arguments,
                                                     const char* call, bool repeatable = false);
  [[nodiscard]] static task<> leave(ptr self);

  [[nodiscard]] static task<> define_group(ptr self, std::string name, messaging::group_options how);
  [[nodiscard]] static task<> close_queue(ptr self);
  [[nodiscard]] static task<std::vector<std::uint64_t>> send_them(ptr self,
                                                                  std::span<const messaging::outgoing> all,
                                                                  bool waits, const lease_name* acked);
  [[nodiscard]] static task<leased_message> receive_one(ptr self, std::string group);
  [[nodiscard]] task<> wait_for_message(group_waits& in, std::int64_t next_due_ms);
  [[nodiscard]] task<> wait_for_room();
  [[nodiscard]] static task<> end(ptr self, lease_name lease, outcome how);
  [[nodiscard]] static task<> end_dropped(ptr self, lease_name lease);
  [[nodiscard]] static task<> pause(ptr self, std::string group, bool paused);
  [[nodiscard]] static task<bool> wait_until_drained(ptr self, loop_clock::time_point deadline);
  [[nodiscard]] static task<std::size_t> handle_letters(ptr self, std::string group,
                                                        messaging::dead_letter_filter which, bool purges);
  [[nodiscard]] static task<std::vector<messaging::dead_letter>> list_dead(ptr self, std::string group);
  [[nodiscard]] static task<messaging::queue_metrics> count(ptr self);
  [[nodiscard]] static task<> check_keys(ptr self);

  // ---- redis_queue_listening.cpp: what other programs say about the queue
  void start_listening();
  void stop_listening() noexcept;
  [[nodiscard]] static task<> listen(ptr self);
  [[nodiscard]] static task<> listen_on(redis_queue& self);
  [[nodiscard]] static task<> hear(redis_queue& self, redis::subscription& from);
  void note(const std::string& said) noexcept;
  void wake_all() noexcept;
  // How long to wait before asking again unasked.
  [[nodiscard]] loop_clock::duration patience() const noexcept;

  const std::shared_ptr<client_core> client_;
  const std::string name_, prefix_, consumer_;
  const messaging::queue_options how_;
  script once_, repeatable_;

  messaging::detail::held_leases leases_;
  std::map<std::string, group_waits> groups_;
  std::uint64_t requests_ = 0;
  std::size_t steps_under_way_ = 0;
  event quiet_;

  mutex room_door_;  // of the send whose turn it is
  std::size_t sends_waiting_ = 0;
  std::uint64_t room_wakes_ = 0;
  event room_;

  std::optional<future<void>> listening_;
  bool listens_ = false, is_subscribed_ = false;

  std::uint64_t refused_ = 0;
  bool closed_ = false, draining_ = false;
  event close_ended_;
};

[[nodiscard]] std::int64_t in_ms(loop_clock::duration time) noexcept;

}  // namespace braid::redis::detail
