#pragma once

#include <system_error>
#include <type_traits>

#include "braid/base/error.hpp"

namespace braid::redis {

/// Why a command failed: for a reason of the client's, or with an error reply of the server, whose text is in
/// the message. Failures of the network have their own codes, those of std::errc.
///
///     const auto done = co_await as_result(db.command("LPUSH", "jobs", "resize 7"));
///     if (!done && done.error() == redis::errc::wrong_type) log("jobs is no list");
enum class errc {
  not_sent = 1,  ///< its time was over before it was sent: it was not done. Equals std::errc::timed_out
  no_connection,  ///< its connection, which is not made again, is lost: it was not done
  reply_lost,  ///< the connection was lost before the reply: it may or may not have been done
  reply_late,  ///< no reply in time: it may or may not have been done. Equals std::errc::timed_out
  too_many_commands,  ///< the limits of the client are reached, and it is to refuse: it was not done
  client_closed,  ///< close() was called, or the client was destroyed
  malformed_reply,  ///< what the server sent is no reply, or too long a one: the connection is closed
  silent_server,  ///< nothing arrives, not even the reply to a PING: the connection is closed
  unexpected_reply,  ///< the reply is of another kind than the caller asked for

  refused = 100,  ///< an error reply that has no code of its own, such as ERR
  wrong_type,  ///< WRONGTYPE: the key holds a value of another type
  no_script,  ///< NOSCRIPT: the server does not know the script
  busy_group,  ///< BUSYGROUP: the group of the stream is there already
  no_group,  ///< NOGROUP: the stream or its group is missing
  read_only,  ///< READONLY: the server is a replica
  loading,  ///< LOADING: the server still reads its data
  busy,  ///< BUSY: a script runs
  out_of_memory,  ///< OOM: the server has reached its limit of memory
  misconfigured,  ///< MISCONF: the server cannot save, and so takes no writes
  not_authenticated,  ///< NOAUTH
  wrong_password,  ///< WRONGPASS
  no_permission,  ///< NOPERM: the user may not do this
  exec_aborted,  ///< EXECABORT: a command of the transaction was refused: nothing was done
  moved,  ///< MOVED: another node of the cluster has the key
  ask,  ///< ASK: another node of the cluster has the key for now
  cluster_down,  ///< CLUSTERDOWN
  try_again,  ///< TRYAGAIN: the keys are being moved
  master_down,  ///< MASTERDOWN: the replica has lost its master
  no_replicas,  ///< NOREPLICAS: too few replicas for a write
  unblocked,  ///< UNBLOCKED: the server has ended a blocking command
};

/// The category of errc, "redis".
///
///     const std::error_code code = redis::errc::reply_lost;
///     use(code.category() == redis::error_category(), code.message());
[[nodiscard]] const std::error_category& error_category() noexcept;
/// Makes an errc usable wherever a std::error_code is.
///
///     const std::error_code lost = redis::errc::reply_lost;  // calls make_error_code
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), error_category()};
}

/// Did the failed command reach the server, perhaps, so that it may or may not have been done? True after a
/// reply that was lost, late or malformed. A command that was cancelled is in doubt, too, but for that the
/// caller has asked.
///
///     const auto paid = co_await as_result(db.command("INCRBY", "account", 7));
///     if (!paid && redis::may_have_been_done(paid.error())) log("look it up before the next attempt");
[[nodiscard]] bool may_have_been_done(const error& why) noexcept;

}  // namespace braid::redis

template <>
struct std::is_error_code_enum<braid::redis::errc> : std::true_type {};
