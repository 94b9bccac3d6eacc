#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/base/result.hpp"
#include "braid/redis/client_options.hpp"
#include "braid/redis/request.hpp"
#include "braid/redis/script.hpp"
#include "braid/redis/value.hpp"
#include "braid/style/future.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/semaphore.hpp"
#include "server_link.hpp"

namespace braid::redis::detail {

class client_core;

// Commands that are sent together, in the frame of the coroutine that waits for their replies.
struct pending_call : braid::detail::list_node {
  pending_call(client_core& its_core, std::span<const request> its_commands, value* its_replies) noexcept;
  ~pending_call();
  [[nodiscard]] bool is_idempotent() const noexcept;

  client_core& core;
  const std::span<const request> commands;
  value* const replies;  // room for one for each command
  std::size_t received = 0;
  std::uint64_t number = 0;  // of its place among the owed, while it has one
  bool owed = false;  // sent, and waits for replies
  bool is_transaction = false;  // whose own MULTI and EXEC may pass
  std::optional<error> failed{};
  event done;
  std::optional<semaphore::permit> place{}, room{};
};

// A client: its commands, and the coroutine that carries them over one connection at a time.
//
// A call waits in waiting_ until it is sent, and then has a place in owed_, in the order of the replies. If
// it is cancelled there, its place stays and its replies are dropped as they come. The coroutine run() exists
// while there is a connection, or a call that wants one.
//
// Threads  its loop's.
class client_core : pinned, public std::enable_shared_from_this<client_core> {
 public:
  // A shared one makes a new connection after one was lost, and takes no command that concerns it.
  client_core(std::shared_ptr<settings> how, bool is_shared);
  ~client_core();

  [[nodiscard]] static task<value> command(std::shared_ptr<client_core> self, request one);
  [[nodiscard]] static task<std::vector<result<value>>> pipeline(std::shared_ptr<client_core> self,
                                                                 std::vector<request> all);
  // None if a key that was watched has changed.
  [[nodiscard]] static task<std::optional<std::vector<result<value>>>> transaction(
      std::shared_ptr<client_core> self, std::vector<request> all);
  [[nodiscard]] static task<value> run_script(std::shared_ptr<client_core> self, script& what,
                                              std::vector<std::string> keys,
                                              std::vector<std::string> arguments);
  [[nodiscard]] static task<> close(std::shared_ptr<client_core> self);
  /// Ends all at once: what waits fails with errc::client_closed.
  void stop() noexcept;

  [[nodiscard]] bool is_connected() const noexcept { return at_ != nullptr; }
  [[nodiscard]] std::size_t calls() const noexcept { return calls_; }
  [[nodiscard]] std::uint64_t connections() const noexcept { return connections_; }
  /// Had a connection of its own, which is lost?
  [[nodiscard]] bool is_over() const noexcept { return !is_shared_ && was_connected_ && at_ == nullptr; }
  /// Is its connection as it was made, with nothing on its way? For a pool.
  [[nodiscard]] bool is_clean() const noexcept {
    return at_ != nullptr && owed_.empty() && waiting_.empty() && !watches_ && !state_changed_;
  }
  [[nodiscard]] const std::shared_ptr<settings>& how() const noexcept { return how_; }

 private:
  friend pending_call;
  class counted_call : pinned {
   public:
    explicit counted_call(client_core& of) noexcept;
    ~counted_call();

   private:
    client_core& of_;
  };
  class ended_run : pinned {
   public:
    explicit ended_run(client_core& of) noexcept : of_(of) {}
    ~ended_run() { of_.on_run_ended(); }

   private:
    client_core& of_;
  };
  struct owed_replies {
    pending_call* whose;  // null: nobody wants them
    std::size_t left;
    std::optional<semaphore::permit> place;
  };

  // ---- client_core.cpp: the calls
  [[nodiscard]] static task<> perform(std::shared_ptr<client_core> self, pending_call& mine);
  void check(const pending_call& mine) const;
  [[nodiscard]] task<> wait_for(pending_call& mine);
  [[nodiscard]] error failure_of(const pending_call& mine, const error& why) const;
  [[nodiscard]] error failure(std::error_code why, const pending_call& of, const error* since) const;
  void abandon(pending_call& one) noexcept;
  void start_running();
  void fail(pending_call& one, std::error_code why, const error* since) noexcept;
  void fail_waiting(std::error_code why, const error* since) noexcept;

  // ---- client_run.cpp: the connection
  [[nodiscard]] static task<> run(std::shared_ptr<client_core> self);
  void on_run_ended() noexcept;
  [[nodiscard]] task<> connect_and_serve();
  [[nodiscard]] task<> serve();
  [[nodiscard]] task<> receive_replies();
  [[nodiscard]] task<> send_commands();
  [[nodiscard]] task<> watch_link();
  void take(value&& reply);
  bool gather();
  void note_effects(const pending_call& of) noexcept;
  void owe(pending_call* whose, std::size_t replies, std::optional<semaphore::permit> place);
  void settle(const error& why) noexcept;
  [[nodiscard]] bool is_wanted() const noexcept { return !stopped_ && !waiting_.empty(); }

  const std::shared_ptr<settings> how_;
  const bool is_shared_;

  // the calls
  std::size_t calls_ = 0;  // that have begun and not ended
  semaphore places_, bytes_;
  braid::detail::intrusive_list<pending_call> waiting_;
  std::deque<owed_replies> owed_;
  std::uint64_t first_owed_ = 0;  // the number of owed_.front()

  // the connection
  std::unique_ptr<server_link> at_;
  std::string out_;  // what is being sent
  std::shared_ptr<const char> large_;  // or this, from where the request has it
  std::size_t large_size_ = 0;
  bool pings_ = false;
  auto_reset_event to_send_, to_watch_;
  loop_clock::time_point last_life_{};  // when something arrived, or was sent, or began to be owed
  loop_clock::duration patience_{};  // how long an owed command may keep the server silent
  bool watches_ = false, state_changed_ = false;  // by commands
  bool has_served_ = false;  // this connection has brought a reply
  bool is_demoted_ = false;  // the server is no master any more
  std::uint64_t connections_ = 0;

  // the end
  std::optional<future<void>> running_;
  bool runs_ = false, closed_ = false, stopped_ = false;
  bool was_connected_ = false;
  event run_ended_, emptied_;
  std::optional<error> last_failure_;  // to connect
};

}  // namespace braid::redis::detail
