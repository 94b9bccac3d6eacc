#pragma once

#include <string>

#include "braid/messaging/queue.hpp"
#include "braid/redis/client.hpp"
#include "braid/style/task.hpp"

namespace braid::redis {

/// Opens a queue whose messages are in Redis: that of braid::messaging, for any number of programs at a time.
///
///     redis::client db(endpoint::loopback(6379));
///     messaging::queue jobs = co_await redis::open_queue(db, "thumbnails");
///     co_await jobs.make_group("workers");
///     co_await jobs.send("resize 7", {.key = "user 12"});
///     co_await jobs.close();
///
/// All of its keys begin with braid:{name}:. They need what a database has that loses nothing: appendonly yes
/// and appendfsync always, or what was acknowledged last is lost with the server; and the policy noeviction.
/// docs/messaging.md has what differs from a queue in files.
///
/// Lifetime  the queue shares the client's connection, and keeps it as long as it is needed.
/// Threads   the client's loop's.
/// Errors    std::invalid_argument for a name that is empty, has more than 255 bytes, or a brace;
///           errc::refused if the queue was made by a version that this one does not know. Each operation of
///           the queue ends within client_options::command of each command that it needs, with an error of
///           redis::error_category if the server is down. After errc::reply_lost and its like it may or may
///           not have been done: a send with an idempotency key may then be repeated.
[[nodiscard]] task<messaging::queue> open_queue(client& db, std::string name,
                                                messaging::queue_options how = {});

}  // namespace braid::redis
