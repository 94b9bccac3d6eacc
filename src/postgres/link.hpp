#pragma once

#include <libpq-fe.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/loop/io_sender.hpp"
#include "braid/net/wait_readable.hpp"
#include "braid/postgres/connection.hpp"
#include "braid/sync/event.hpp"
#include "settings.hpp"

namespace braid::postgres::detail {

inline constexpr char wait_name[] = "postgres::wait";

/// Waits until the socket is readable (POLLIN), writable (POLLOUT), or either.
[[nodiscard]] inline auto wait_for(int socket, int events) noexcept {
  return io_sender<braid::detail::readiness_outcome<wait_name>>{
      {.code = opcode::poll, .descriptor = socket, .flags = static_cast<std::uint32_t>(events)}, {}};
}

/// What the server has answered to one statement so far.
struct answer {
  result_ptr last;  // the last result that is no error
  std::optional<error> failed;  // the first error
  bool dropping_copy = false;  // of a COPY TO STDOUT, that nobody reads
  ExecStatusType wanted_copy = PGRES_EMPTY_QUERY;  // PGRES_COPY_IN or PGRES_COPY_OUT, which then is `last`
  bool in_copy = false;                            // it has begun
  bool ends_early = false;                         // stop was requested
};

/// A connection of libpq's, in its non-blocking mode. Its operations belong to one at a time.
class link : pinned {
 public:
  explicit link(connection_options how);
  ~link() { close(); }

  /// Connects. Throws.
  [[nodiscard]] task<> connect(const settings& to);
  [[nodiscard]] bool is_open() const noexcept { return handle_ != nullptr && !broken_; }
  void close() noexcept;
  /// As close(), also while an operation is in progress, which then fails.
  void leave() noexcept;
  [[nodiscard]] PGconn* handle() const noexcept { return handle_; }
  [[nodiscard]] const connection_options& options() const noexcept { return options_; }

  /// Throws if the connection is closed, or turns out to be lost before anything is sent.
  void check(const char* call);
  /// Throws what libpq says of a call that it has refused.
  [[noreturn]] void refuse(const char* call);
  /// Waits for the end of the statement that was sent, and gives its last result. Throws its error.
  [[nodiscard]] task<result_ptr> finish(const char* call);
  /// Waits until the server begins a COPY of this direction. Throws the error of the statement.
  [[nodiscard]] task<> begin_copy(ExecStatusType wanted, const char* call);
  /// Waits for the rest of an answer. If it is stopped, another call with that answer goes on.
  [[nodiscard]] task<> drain(answer& to, const char* call);
  /// The result of a whole answer, or throws why there is none. A connection that is lost is closed.
  [[nodiscard]] result_ptr judge(answer& got, const char* call);
  /// Ends a COPY TO STDOUT that is in progress, by a cancel request, and drops its rows.
  [[nodiscard]] task<> drop_copy(const char* call);
  /// Asks the server, over a connection of its own, to cancel what is in progress.
  [[nodiscard]] task<> cancel();

  // One operation at a time. One that ends before the server's answer is whole, for want of memory for
  // instance, closes the connection, so that no later one gets the rest.
  class turn : pinned {
   public:
    explicit turn(link& on);
    ~turn();

   private:
    link& on_;
  };
  /// A number that no other connection of the process has.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] std::string new_statement_name() { return "braid_" + std::to_string(++statements_); }
  /// The next notification of one of the channels.
  [[nodiscard]] task<std::optional<notification>> next_notification(std::vector<std::string> channels);
  /// Call it before something is sent.
  void begin() noexcept { unfinished_ = true; }

  // For a pipeline, which sends and takes results itself.
  /// Takes what has arrived.
  void read() noexcept;
  /// Keeps the notifications that libpq has.
  void keep_notifications();
  /// Waits for the end of the requests of cancel().
  [[nodiscard]] task<> await_cancels();
  /// Will no request of cancel() meet the next statement?
  [[nodiscard]] bool is_settled() const noexcept { return cancels_ == 0 && !closes_at_end_ && !broken_; }
  [[nodiscard]] bool is_lost() const noexcept { return broken_ || PQstatus(handle_) == CONNECTION_BAD; }
  /// Nothing goes on over this connection. Its descriptor stays open.
  void break_off() noexcept;
  /// Breaks off and gives the connection to the caller, who ends it by finish_with. Null in a forked child.
  [[nodiscard]] PGconn* give_away() noexcept;
  static void finish_with(PGconn* one) noexcept;

 private:
  [[nodiscard]] std::optional<notification> notified(const std::vector<std::string>& channels);
  [[nodiscard]] bool take(answer& to, const char* call);
  void keep(result_ptr one, answer& to, const char* call);
  [[nodiscard]] task<> follow(answer& to, const char* call);
  [[nodiscard]] task<> end_early(answer& to, const char* call);
  [[nodiscard]] task<> stop(answer& to, error why, const char* call);
  [[nodiscard]] task<std::string> ask_to_cancel();
  static void on_notice(void* self, const pg_result* said);

  PGconn* handle_ = nullptr;
  bool busy_ = false;  // an operation is in progress
  bool unfinished_ = false;  // the server owes an answer
  const connection_options options_;
  const pid_t made_by_;  // a forked copy of this process leaves the server alone
  bool unsent_ = false;  // libpq has more to send than the socket takes
  bool broken_ = false;  // it cannot go on, whatever libpq believes
  bool closes_at_end_ = false;  // of the operation in progress
  std::optional<server_message> farewell_;  // with which the server has ended an idle connection
  const std::uint64_t number_;
  std::uint64_t statements_ = 0;  // that were prepared
  std::deque<notification> notified_;
  std::size_t cancels_ = 0;  // requests of cancel() on their way
  auto_reset_event cancels_over_;
};

[[nodiscard]] server_message message_of(const pg_result* said);
[[nodiscard]] std::string last_error(PGconn* of);
/// What a result says that is an error.
[[nodiscard]] error error_of(const pg_result* said, const char* call);

}  // namespace braid::postgres::detail
