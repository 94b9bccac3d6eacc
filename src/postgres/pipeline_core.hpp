#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "braid/core/stop_token.hpp"
#include "braid/postgres/pipeline.hpp"
#include "braid/sync/event.hpp"
#include "link.hpp"
#include "order.hpp"

namespace braid::postgres::detail {

/// Statements of one operation, behind which a sync is sent: the server commits them at it. Their results
/// come in their order, then that of the sync.
struct statement_group {
  std::vector<order> statements;
  std::size_t sent = 0;      // statements that libpq has
  std::size_t answered = 0;  // statements
  bool wanted = true;        // somebody waits for it
  std::vector<rows> results;
  std::optional<error> failed;
  event done;
};

/// A connection in libpq's pipeline mode. The coroutines read() and write() exist while they have something
/// to wait for, and own the core.
class pipeline_core : pinned, public std::enable_shared_from_this<pipeline_core> {
 public:
  pipeline_core(link& on, pipeline_options how);
  ~pipeline_core();

  [[nodiscard]] static task<std::vector<rows>> run(std::shared_ptr<pipeline_core> self, batch all);
  [[nodiscard]] static task<> end(std::shared_ptr<pipeline_core> self);
  /// The pipeline is destroyed.
  void leave() noexcept;
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] std::size_t waiting() const noexcept;

 private:
  using group_ptr = std::shared_ptr<statement_group>;
  // While it exists a coroutine waits at the socket, which must stay open.
  class loop_mark : pinned {
   public:
    loop_mark(pipeline_core& of, bool& which) noexcept : of_(of), which_(which) { which_ = true; }
    ~loop_mark();

   private:
    pipeline_core& of_;
    bool& which_;
  };

  [[nodiscard]] link& checked(const char* call);
  void begin(const group_ptr& one);
  void give_up(statement_group& one) noexcept;
  void progress() noexcept;
  [[nodiscard]] bool send_one();
  void take_results();
  void take(result_ptr one);
  void note(const pg_result* said, statement_group& of);
  void lose(const error* why) noexcept;
  static void fail(statement_group& one, errc how, const std::string& reason, const error* why) noexcept;
  void start_reading();
  void start_writing();
  [[nodiscard]] static task<> read(std::shared_ptr<pipeline_core> self);
  [[nodiscard]] static task<> write(std::shared_ptr<pipeline_core> self);
  [[nodiscard]] bool is_idle() const noexcept { return waiting_.empty() && owed_.empty(); }

  link* link_;  // null once it has ended
  const pipeline_options how_;
  std::optional<link::turn> turn_;
  std::deque<group_ptr> waiting_;  // the first one may be sent in part
  std::deque<group_ptr> owed_;     // of which something was sent
  std::size_t owed_results_ = 0;   // of statements and of syncs
  std::size_t in_flight_ = 0;      // statements
  std::size_t unflushed_ = 0;      // bytes, about
  bool unsent_ = false;            // libpq has more than the socket takes
  bool reads_ = false, writes_ = false;
  bool may_rest_ = false;  // read() was asked to stop, since nothing is to be read
  std::optional<stop_source> reading_, writing_;  // of the coroutines
  event idle_{true}, rested_{true};  // nothing is to be done; no coroutine waits at the socket
  PGconn* left_ = nullptr;           // the connection, once the pipeline was destroyed
};

}  // namespace braid::postgres::detail
