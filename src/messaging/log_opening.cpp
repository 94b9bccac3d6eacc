#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>

#include "braid/fs/list.hpp"
#include "braid/fs/names.hpp"
#include "braid/fs/status.hpp"
#include "braid/style/as_result.hpp"
#include "log_core.hpp"
#include "log_sync.hpp"

// What open() does: takes the directory, finds the files, and mends the end of the last one.
namespace braid::messaging::detail {

task<std::shared_ptr<log_core>> log_core::open(std::filesystem::path directory, log_options how) {
  if (!directory.has_filename()) directory = directory.parent_path();  // "journal/"
  const auto self = std::make_shared<log_core>(std::move(directory), how);
  if (!how.read_only) {
    co_await self->make_directory();
    co_await self->take_lock();
  }
  co_await self->find_segments();
  if (!self->segments_.empty()) co_await self->recover_last();
  co_return self;
}

task<> log_core::make_directory() {
  auto making = as_result(fs::create_directory(directory_));
  const result<void> made = co_await std::move(making);
  if (!made && made.error() != std::errc::file_exists) made.error().rethrow();
}

task<> log_core::take_lock() {
  lock_ = co_await open_file(directory_ / "lock", O_RDWR | O_CREAT);
  const bool alone = co_await lock_.try_lock();
  if (!alone)
    error(std::make_error_code(std::errc::device_or_resource_busy), "log::open",
          directory_.string() + " (another log has it)")
        .rethrow();
}

task<> log_core::find_segments() {
  auto names = fs::list(directory_);
  for (;;) {
    const std::optional<fs::entry> each = co_await names.next();
    if (!each) break;
    if (const auto first = segment_of(each->name)) {
      segment_file found{.path = directory_ / each->name};
      segments_.emplace(*first, std::move(found));
    }
  }
  if (segments_.empty() && !how_.read_only) {  // the directory itself may be new
    const bool has_parent = directory_.has_parent_path();
    const std::filesystem::path parent = has_parent ? directory_.parent_path() : std::filesystem::path(".");
    co_await sync_directory(parent);
  }
  for (auto each = segments_.begin(); each != segments_.end(); ++each) {
    const fs::file_status status = co_await fs::status(each->second.path);
    each->second.bytes = status.size;
    const auto next = std::next(each);
    if (next == segments_.end()) break;
    each->second.last = next->first - 1;
    if (!how_.skip_unreadable) (void)co_await open_segment(each->first);
  }
}

// Opens a segment to read it.
task<file> log_core::open_segment(std::uint64_t first) const {
  const std::filesystem::path path = segment_path(directory_, first);
  std::optional<error> failed;
  file opened;
  try {
    opened = co_await open_file(path);
    std::array<std::byte, head_bytes> head{};
    const std::size_t got = co_await opened.read_at(0, head);
    if (got == head.size() && read_segment_head(head.data(), first) == segment_head::other_version)
      failed =
          error(make_error_code(errc::unreadable_segment), "log", path.string() + " (of another version)");
  } catch (...) {
    const error why = error::current();
    if (why == std::errc::operation_canceled || why == std::errc::not_enough_memory ||
        why == std::errc::too_many_files_open)
      throw;
    failed = error(make_error_code(errc::unreadable_segment), "log", why.message());
    failed->suppress(why);
  }
  if (failed) failed->rethrow();
  co_return opened;
}

// ---- the last file --------------------------------------------------------------------------------------

task<> log_core::recover_last() {
  auto& [first, last] = *segments_.rbegin();
  scan found;
  std::optional<error> failed;
  try {
    found = co_await scan_last(first);
  } catch (...) {
    failed = error::current();
  }
  if (failed && (!how_.skip_unreadable || *failed != make_error_code(errc::unreadable_segment)))
    failed->rethrow();
  // It has at most this many records; the next file begins behind them.
  if (failed) found.last = found.known_durable = first + last.bytes / head_bytes;
  last.last = written_ = found.last;
  if (!failed) last.bytes = found.end;
  visible_.set(written_);
  durable_ = marked_ = found.known_durable;
  if (how_.read_only || failed) co_return;
  if (found.size != found.end || durable_ != written_) co_await mend_last(found);
  position_ = found.end;
  co_await open_for_writing();
}

task<log_core::scan> log_core::scan_last(std::uint64_t first) {
  const file from = co_await open_segment(first);
  scan found;
  found.size = co_await from.size();
  struct lost {
    log_damage damage;
    bool to_the_end, is_zeros;
    std::uint64_t records_before;
  };
  std::vector<lost> all;
  segment_reader reader(from, first, 0, first, found.size);
  found.known_durable = first - 1;
  for (;;) {
    segment_reader::step each = co_await reader.next();
    if (each.damage)
      all.push_back({*std::move(each.damage), each.to_the_end, each.is_zeros, recovery_.records});
    if (each.head) {
      found.known_durable = std::max(found.known_durable, each.head->durable);
      if (each.head->kind == record_kind::data) ++recovery_.records;
      note(first, each.head->expects(), each.offset);
    } else if (!each.damage || each.to_the_end) {
      break;
    }
  }
  found.end = reader.offset();
  found.last = reader.expected() - 1;
  // What was durable once is damaged now, and costs itself alone. All behind the first damage of what was not
  // may depend on what is missing: it was never acknowledged as durable, and is cut off.
  for (lost& each : all) {
    const bool was_durable = each.damage.last <= found.known_durable && !each.to_the_end;
    if (!was_durable) {
      found.end = each.damage.from;
      found.last = std::max(each.damage.first - 1, found.known_durable);
      const std::uint64_t whole = recovery_.records - each.records_before;
      recovery_.records = each.records_before;
      if (!each.is_zeros) recovery_.cut = log_cut{each.damage.file, found.end, found.size - found.end, whole};
      each.damage.last = found.known_durable;
    }
    if (was_durable || each.damage.first <= each.damage.last)
      recovery_.damaged.push_back(std::move(each.damage));
    if (!was_durable) break;
  }
  auto& index = segments_.rbegin()->second.index;
  std::erase_if(index, [&](const index_entry& each) { return each.offset >= found.end; });
  co_return found;
}

// Cuts the end off, and writes once more what is not known to be durable: after a sync that has failed, the
// system may show bytes that the device lacks, and no sync would write them.
task<> log_core::mend_last(scan found) {
  const auto& [first, last] = *segments_.rbegin();
  const file to = co_await open_file(last.path, O_RDWR);
  if (found.size == found.end) co_await to.truncate(found.end + 1);  // the size may be in doubt, too
  co_await to.truncate(found.end);
  constexpr std::size_t at_once = 256 << 10;
  std::vector<std::byte> bytes(at_once);
  const index_entry unknown = find(first, found.known_durable + 1);
  for (std::uint64_t at = unknown.offset; at < found.end;) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(at_once, found.end - at));
    const std::size_t got = co_await to.read_at(at, std::span(bytes).first(size));
    if (got == 0) break;
    co_await write_exactly_at(to, at, std::span(bytes).first(got));
    at += got;
  }
  co_await sync_file(to, true);
  co_await sync_directory(directory_);
  durable_ = written_;
}

// Opens the last file to write at position_.
task<> log_core::open_for_writing() {
  const std::filesystem::path& path = segments_.rbegin()->second.path;
  const std::size_t over = position_ % block_buffer::block_bytes;
  if (how_.direct && over != 0) {
    const file from = co_await open_file(path);
    const std::uint64_t block = position_ - over;
    for (std::size_t done = 0; done != over;) {
      const std::size_t got =
          co_await from.read_at(block + done, std::span(last_block_).subspan(done, over - done));
      if (got == 0) error(make_error_code(errc::unreadable_segment), "log", path.string()).rethrow();
      done += got;
    }
  }
  file_ = co_await open_file(path, O_RDWR | (how_.direct ? O_DIRECT : 0));
}

}  // namespace braid::messaging::detail
