#include "braid/messaging/queue_snapshot.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "braid/fs/list.hpp"
#include "braid/fs/status.hpp"
#include "braid/style/as_result.hpp"
#include "queue_core.hpp"

namespace braid::messaging {

namespace detail {

namespace {

constexpr int most_tries = 50;

struct found_segment {
  std::uint64_t first = 0, bytes = 0;
  friend auto operator<=>(const found_segment&, const found_segment&) = default;
};

// A file that is removed meanwhile is left out.
task<std::vector<found_segment>> segments_in(const std::filesystem::path& directory) {
  std::vector<found_segment> all;
  auto names = fs::list(directory);
  for (;;) {
    const std::optional<fs::entry> each = co_await names.next();
    if (!each) break;
    const auto first = segment_of(each->name);
    if (!first) continue;
    const std::filesystem::path path = directory / each->name;
    auto asking = as_result(fs::status(path));
    const result<fs::file_status> status = co_await std::move(asking);
    if (status) all.push_back({*first, status->size});
  }
  std::sort(all.begin(), all.end());
  co_return all;
}

message_state state_of(slot_state state) noexcept {
  switch (state) {
    case slot_state::ready: return message_state::ready;
    case slot_state::delayed: return message_state::delayed;
    case slot_state::leased: return message_state::leased;
    case slot_state::dead:
    case slot_state::done: break;
  }
  return message_state::dead;
}

bool asks_for(const message_filter& which, const slot& each) noexcept {
  const message& it = *each.of;
  if (each.state == slot_state::done || (which.id != 0 && which.id != it.id)) return false;
  if (which.state && *which.state != state_of(each.state)) return false;
  return which.key.empty() || (it.key != nullptr && *it.key->name == which.key);
}

std::chrono::system_clock::time_point time_of(std::int64_t ms) noexcept {
  return std::chrono::system_clock::time_point(std::chrono::milliseconds(ms));
}

}  // namespace

// The queue's process may begin and remove files, and write to the last one, while they are read. What looks
// wrong then is read again.
task<std::shared_ptr<queue_core>> queue_core::open_to_read(std::filesystem::path directory) {
  for (int tries_left = most_tries;; --tries_left) {
    const std::vector<found_segment> before = co_await segments_in(directory);
    const auto self = std::make_shared<queue_core>(queue_options{});
    log_options how;
    how.read_only = true;
    auto opening = as_result(log_core::open(directory, how));
    result<std::shared_ptr<log_core>> opened = co_await std::move(opening);
    result<void> done;
    if (opened) {
      self->log_ = std::move(opened).value();
      auto replaying = as_result(self->replay());
      done = co_await std::move(replaying);
    } else {
      done = opened.error();
    }
    if (done && self->recovery_.damaged.empty()) co_return self;
    const std::vector<found_segment> after = co_await segments_in(directory);
    if (tries_left > 1 && before != after) continue;
    if (!done) done.error().rethrow();
    co_return self;
  }
}

std::vector<queued_message> queue_core::messages(std::string_view group, const message_filter& which) const {
  const group_state& from = require_group(group, "queue_snapshot::messages");
  std::vector<slot*> found;
  for (message* each = index_.oldest_place(); each != nullptr; each = each->newer) {
    slot* const one = each->in(from);
    if (one != nullptr && asks_for(which, *one)) found.push_back(one);
  }
  std::sort(found.begin(), found.end(),
            [](const slot* left, const slot* right) { return left->of->id < right->of->id; });
  if (found.size() > which.at_most) found.resize(which.at_most);
  const loop_clock::time_point now = loop_clock::now();
  std::vector<queued_message> all;
  all.reserve(found.size());
  for (const slot* const each : found) {
    queued_message& one = all.emplace_back();
    one.id = each->of->id;
    if (each->of->key != nullptr) one.key = *each->of->key->name;
    one.priority = each->of->priority;
    one.bytes = each->of->body_bytes;
    one.sent_at = time_of(each->of->sent_at);
    one.state = state_of(each->state);
    if (one.state == message_state::delayed) one.due = time_of(index_.now_ms() + in_ms(each->when - now));
    one.attempts = each->attempts;
    one.recoveries = each->recoveries;
    for (const failure_note* note = each->notes; note != nullptr; note = note->before)
      if (note->how != delivery_failure::none)  // else it is the delivery that goes on
        one.failures.push_back({note->attempt, note->how, time_of(note->at), note->reason});
    std::reverse(one.failures.begin(), one.failures.end());
  }
  return all;
}

task<std::string> queue_core::body_of(std::shared_ptr<queue_core> self, std::uint64_t id) {
  const message* const of = self->index_.find(id);
  if (of == nullptr) invalid_argument_error("queue_snapshot::body", "no message has this number").rethrow();
  std::string body;
  auto reading = as_result(self->read_body(*of, body));
  const result<void> read = co_await std::move(reading);
  if (!read && read.error() == std::errc::no_such_file_or_directory)
    self->failure(errc::record_removed, "queue_snapshot::body", "the message " + std::to_string(id))
        .rethrow();
  if (!read) read.error().rethrow();
  co_return body;
}

}  // namespace detail

queue_snapshot::queue_snapshot(std::shared_ptr<detail::queue_core> core) noexcept : core_(std::move(core)) {}

task<queue_snapshot> queue_snapshot::open(std::filesystem::path directory) {
  std::shared_ptr<detail::queue_core> opened =
      co_await detail::queue_core::open_to_read(std::move(directory));
  co_return queue_snapshot(std::move(opened));
}
queue_metrics queue_snapshot::metrics() const { return core_->metrics(); }
std::vector<queued_message> queue_snapshot::messages(std::string_view group, message_filter which) const {
  return core_->messages(group, which);
}
task<std::string> queue_snapshot::body(std::uint64_t id) const {
  return detail::queue_core::body_of(core_, id);
}
const queue_recovery& queue_snapshot::recovery() const noexcept { return core_->recovery(); }

}  // namespace braid::messaging
