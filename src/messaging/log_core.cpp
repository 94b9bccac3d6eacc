#include "log_core.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

#include "braid/combine/with_stop_token.hpp"
#include "braid/fs/names.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/start.hpp"
#include "log_sync.hpp"

namespace braid::messaging::detail {

namespace {

// The disk has no room, or the file may not become longer. The bytes written so far can be taken back.
bool lacks_room(const error& why) noexcept {
  return why == std::errc::no_space_on_device || why == std::errc::file_too_large ||
         why == std::error_code(EDQUOT, std::generic_category());
}

log_options checked(log_options how) {
  if (how.most_record_bytes > most_body_bytes || how.segment_bytes == 0)
    invalid_argument_error("log::open", "most_record_bytes is above 1 GiB, or segment_bytes is 0").rethrow();
  return how;
}

}  // namespace

log_core::log_core(std::filesystem::path directory, const log_options& how)
    : directory_(std::move(directory)), how_(checked(how)) {}
log_core::~log_core() = default;

std::vector<log_segment> log_core::segments() const {
  std::vector<log_segment> all;
  for (const auto& [first, each] : segments_) all.push_back({each.path, first, each.last, each.bytes});
  return all;
}

error log_core::failure(errc why, const char* call) const {
  // The end of its loop may have stopped the log.
  const bool cancelled = why == errc::log_stopped && stopped_ && stopped_->is_requested_cancellation();
  error made(cancelled ? std::make_error_code(std::errc::operation_canceled) : make_error_code(why), call,
             directory_.string());
  made.set_requested(cancelled);
  if (why == errc::log_stopped && stopped_) made.suppress(*stopped_);
  return made;
}

std::uint64_t log_core::bytes() const noexcept {
  std::uint64_t all = 0;
  for (const auto& [first, each] : segments_) all += each.bytes;
  return all;
}

// An error of its own for each waiter: what one of them adds to it is not for the others. An append that
// fails for want of room is not in the log; after a sync without room nobody knows.
error log_core::own_failure(const error& why) const noexcept {
  try {
    const bool in_doubt = stopped_ && lacks_room(why);
    error made(in_doubt ? make_error_code(errc::log_stopped) : why.code(), "log::append",
               directory_.string());
    made.suppress(why);
    made.set_requested(why.is_requested_cancellation());  // by the end of the loop
    return made;
  } catch (const std::bad_alloc&) {
    return {why.code()};
  }
}

void log_core::require_writable(const char* call) const {
  if (stopped_) failure(errc::log_stopped, call).rethrow();
  if (closed_ || how_.read_only) failure(errc::log_closed, call).rethrow();
  if (::getpid() != process_)  // the files are the parent's, which may write to them now
    error(make_error_code(errc::log_closed), call, directory_.string() + " (opened by the parent process)")
        .rethrow();
}

void log_core::stop(const error& why) noexcept {
  if (!stopped_) stopped_ = why;
}

// ---- what waits -----------------------------------------------------------------------------------------

void log_core::require_appendable(std::size_t bytes) const {
  require_writable("log::append");
  if (bytes > how_.most_record_bytes)
    error(
        std::make_error_code(std::errc::message_size), "log::append",
        std::to_string(bytes) + " bytes, with most_record_bytes = " + std::to_string(how_.most_record_bytes))
        .rethrow();
}

task<std::uint64_t> log_core::append(std::shared_ptr<log_core> self, readable_bytes bytes, durability how) {
  self->require_appendable(bytes.size());
  log_entry mine(log_entry::kind::data, how);
  mine.data = bytes.data();
  mine.size = bytes.size();
  co_await self->wait_for(mine);
  co_return mine.sequence;
}

task<appended> log_core::append_placed(std::shared_ptr<log_core> self, readable_bytes bytes,
                                       append_hook on_success) {
  self->require_appendable(bytes.size());
  log_entry mine(log_entry::kind::data, durability::synced);
  mine.on_success = on_success;
  mine.data = bytes.data();
  mine.size = bytes.size();
  co_await self->wait_for(mine);
  const appended done{mine.sequence, mine.at};
  co_return done;
}

task<> log_core::sync(std::shared_ptr<log_core> self) {
  self->require_writable("log::sync");
  if (!self->writing_ && self->is_synced()) co_return;
  log_entry mine(log_entry::kind::sync, durability::synced);
  co_await self->wait_for(mine);
}

task<> log_core::wait_for(log_entry& entry) {
  waiting_.push_back(entry);
  if (!writing_) {
    detach(write_waiting(shared_from_this()));
    writing_ = true;
  }
  auto finished = entry.done.wait();
  co_await std::move(finished);
  if (entry.failed) entry.failed->rethrow();
}

// ---- a batch --------------------------------------------------------------------------------------------

task<> log_core::write_waiting(std::shared_ptr<log_core> self) {
  bool more = true;
  while (more) {
    co_await yield();  // all that append in this turn share the batch
    auto locking = self->door_.lock();
    const auto lock = co_await std::move(locking);
    std::optional<error> failed;
    self->gathered_ = false;
    try {
      co_await self->write_batch();
    } catch (...) {
      failed = error::current();
    }
    self->finish_batch(failed);
    more = !self->waiting_.empty();
  }
  self->writing_ = false;
}

void log_core::finish_batch(const std::optional<error>& failed) noexcept {
  // If nothing could be begun, whatever waits meets the same failure; but not what appends once more for it.
  auto& these = failed && !gathered_ ? waiting_ : in_flight_;
  braid::detail::intrusive_list<log_entry> ended;
  while (!these.empty()) ended.push_back(these.pop_front());
  while (!ended.empty()) {
    log_entry& each = ended.pop_front();
    if (failed)
      each.failed = own_failure(*failed);
    else if (each.on_success.call != nullptr)
      each.on_success.call(each.on_success.context, {each.sequence, each.at});
    each.done.set();
  }
  batch_.clear();
  batch_.shrink(2 * how_.most_batch_bytes);
}

task<> log_core::write_batch() {
  if (waiting_.empty()) co_return;  // they were cancelled
  if (stopped_) failure(errc::log_stopped, "log::append").rethrow();
  if (needs_new_segment()) co_await begin_segment();
  const bool synced = gather();
  const std::uint64_t from = position_, first = written_ + 1;
  if (batch_.size() != 0) co_await write_out();
  if (synced) {
    try {
      co_await sync_files();
    } catch (...) {
      stop(error::current());  // also where the sync could not begin: what is written may be in the log
      throw;
    }
  }
  if (batch_interval_ && !is_synced()) sync_later(*batch_interval_);
  if (segments_.empty()) co_return;
  auto& [number, last] = *segments_.rbegin();
  if (written_ >= first) note(number, first, std::max<std::uint64_t>(from, head_bytes));
  last.last = written_;
  last.bytes = position_;
  if (written_ != visible_.get()) visible_.set(written_);
}

bool log_core::needs_new_segment() noexcept {
  const log_entry& next = waiting_.front();
  if (next.what != log_entry::kind::data) return false;
  if (!file_.is_open()) return true;
  return position_ > head_bytes && position_ + next.bytes() > how_.segment_bytes;
}

// Moves what fits into one write from waiting_ to in_flight_.
bool log_core::gather() {
  const std::size_t block = how_.direct ? block_buffer::block_bytes : 1;
  const std::size_t carried = position_ % block;  // of a block that is written once more
  batch_from_ = position_ - carried;
  batch_last_ = written_;
  batch_mark_ = marked_;
  batch_interval_.reset();
  gathered_ = true;
  std::uint64_t end = position_;
  bool synced = false;
  while (!waiting_.empty()) {
    log_entry& next = waiting_.front();
    const std::size_t bytes = next.bytes();
    if (bytes != 0 && batch_.size() == 0) {
      if (carried != 0) std::memcpy(batch_.extend(carried), last_block_, carried);
      if (position_ == 0) put_segment_head(batch_.extend(head_bytes), segments_.rbegin()->first);
      end = batch_from_ + batch_.size();
    } else if (bytes != 0 && batch_.size() + bytes > how_.most_batch_bytes) {
      break;
    }
    const bool is_data = next.what == log_entry::kind::data;
    if (is_data && end > head_bytes && end + bytes > how_.segment_bytes) break;
    if (bytes != 0) put(next, end);
    end += bytes;
    synced = synced || next.how.kind() == durability::level::synced;
    if (next.how.kind() == durability::level::interval)
      batch_interval_ = std::min(batch_interval_.value_or(next.how.time()), next.how.time());
    in_flight_.push_back(waiting_.pop_front());
  }
  batch_end_ = end;
  if (how_.direct) batch_.pad();
  return synced;
}

void log_core::put(log_entry& entry, std::uint64_t offset) {
  std::byte* const to = batch_.extend(entry.bytes());
  const bool is_data = entry.what == log_entry::kind::data;
  if (is_data) entry.sequence = ++batch_last_;
  if (!is_data) batch_mark_ = batch_last_;
  entry.at = {segments_.rbegin()->first, offset};
  put_record(to, is_data ? record_kind::data : record_kind::mark, batch_last_, durable_, entry.data,
             entry.size, entry.at);
}

task<> log_core::write_out() {
  const std::span<const std::byte> bytes = batch_.bytes();
  std::optional<error> failed;
  try {
    for (std::size_t done = 0; done != bytes.size();)
      done += co_await file_.write_at(batch_from_ + done, bytes.subspan(done));
  } catch (...) {
    failed = error::current();
  }
  if (failed) co_await take_back(*failed);
  metrics_.batches += 1;
  metrics_.appends += batch_last_ - written_;
  metrics_.bytes += batch_end_ - position_;
  unsynced_ = true;
  written_ = batch_last_;
  marked_ = batch_mark_;
  position_ = batch_end_;
  const std::size_t over = position_ % block_buffer::block_bytes;
  const auto blocks = static_cast<std::size_t>(position_ - over - batch_from_);
  if (how_.direct && over != 0) std::memcpy(last_block_, bytes.data() + blocks, over);
}

// Fails. If only room was lacking, first removes what was written of the batch, for good: an append that was
// refused must not be there when the log is opened again.
task<> log_core::take_back(const error& why) {
  if (!lacks_room(why)) {
    stop(why);
    why.rethrow();
  }
  try {
    co_await file_.truncate(position_);
    co_await sync_file(file_, how_.syncs_metadata);
  } catch (...) {
    error failed = error::current();
    failed.suppress(why);
    stop(failed);
    failed.rethrow();
  }
  why.rethrow();
}

// After a failed sync nobody knows what the device has, and the next sync would not say: the log stops.
task<> log_core::sync_files() {
  if (is_synced()) co_return;
  const std::uint64_t covered = written_;
  try {
    co_await sync_file(file_, how_.syncs_metadata);
    metrics_.syncs += 1;
    if (directory_unsynced_) co_await sync_directory(directory_);
  } catch (...) {
    stop(error::current());
    throw;
  }
  directory_unsynced_ = unsynced_ = false;
  durable_ = covered;
  sync_due_.reset();
}

// ---- the next file --------------------------------------------------------------------------------------

// All of the files before the last one is durable.
task<> log_core::begin_segment() {
  if (file_.is_open()) {
    co_await sync_files();
    co_await file_.close();
  }
  const std::uint64_t first = written_ + 1;
  segment_file made{.path = segment_path(directory_, first), .last = written_};
  const auto at = segments_.insert_or_assign(first, std::move(made)).first;
  try {
    file_ = co_await open_file(at->second.path, O_RDWR | O_CREAT | O_TRUNC | (how_.direct ? O_DIRECT : 0));
  } catch (...) {
    segments_.erase(at);
    throw;
  }
  position_ = 0;
  directory_unsynced_ = unsynced_ = true;
  if (how_.retain_bytes != 0) co_await retain();
}

task<> log_core::retain() {
  std::uint64_t all = 0;
  for (const auto& [first, each] : segments_) all += each.bytes;
  try {
    while (all > how_.retain_bytes && segments_.size() > 1) {
      all -= segments_.begin()->second.bytes;
      co_await remove_segment(segments_.begin()->first);
    }
  } catch (...) {
    stop(error::current());
    throw;
  }
}

// ---- durability::interval -------------------------------------------------------------------------------

void log_core::sync_later(loop_clock::duration time) {
  const loop_clock::time_point due = loop_clock::after(time);
  if (sync_due_ && *sync_due_ <= due) return;
  const auto before = std::exchange(sync_due_, due);
  if (!std::exchange(waits_for_due_, true)) {
    try {
      detach(sync_when_due(shared_from_this()));
    } catch (...) {
      waits_for_due_ = false;
      sync_due_ = before;
      throw;
    }
  } else if (nap_ && due < wakes_at_) {
    nap_->request_stop();
  }
}

// One at a time runs, however often something becomes due.
task<> log_core::sync_when_due(std::shared_ptr<log_core> self) {
  while (self->sync_due_ && !self->closed_ && !self->stopped_) {
    const loop_clock::time_point due = *self->sync_due_;
    if (due > loop_clock::now()) {
      self->wakes_at_ = due;
      self->nap_.emplace();
      auto waiting = as_result(with_stop_token(sleep_until(due), self->nap_->get_token()));
      const auto waited = co_await std::move(waiting);
      if (!waited && !self->nap_->stop_requested()) break;  // by the end of the loop
      continue;
    }
    auto syncing = as_result(sync(self));
    const auto synced = co_await std::move(syncing);
    if (!synced) self->stop(synced.error());  // which is the result of what is next
    if (self->sync_due_ == due) self->sync_due_.reset();  // a truncation has synced all
  }
  self->nap_.reset();
  self->waits_for_due_ = false;
}

// ---- the end --------------------------------------------------------------------------------------------

task<> log_core::close(std::shared_ptr<log_core> self) {
  if (!self->closed_) {
    auto closing = shield(as_result(close_files(self)));
    const result<void> closed = co_await std::move(closing);
    self->close_ended_.set();
    if (!closed) closed.error().rethrow();
  }
  auto ending = self->close_ended_.wait();
  co_await std::move(ending);
  if (self->stopped_) self->failure(errc::log_stopped, "log::close").rethrow();
}

task<> log_core::close_files(std::shared_ptr<log_core> self) {
  self->closed_ = true;
  if (self->nap_) self->nap_->request_stop();
  const bool reads_only = self->how_.read_only;
  std::optional<error> failed;
  if (!reads_only && !self->stopped_) {
    try {
      log_entry last(log_entry::kind::sync, durability::synced);
      if (self->writing_ || !self->is_synced()) co_await self->wait_for(last);
      log_entry mark(log_entry::kind::mark, durability::synced);
      if (self->file_.is_open() && self->marked_ != self->written_) co_await self->wait_for(mark);
    } catch (...) {
      failed = error::current();
    }
  }
  if (failed && lacks_room(*failed)) failed.reset();  // only the mark is missing, which saves work
  if (self->stopped_) failed = self->failure(errc::log_stopped, "log::close");
  self->visible_.close();
  auto locking = self->door_.lock();
  const auto lock = co_await std::move(locking);
  if (self->file_.is_open()) co_await self->file_.close();
  if (self->lock_.is_open()) co_await self->lock_.close();
  if (failed) failed->rethrow();
}

}  // namespace braid::messaging::detail
