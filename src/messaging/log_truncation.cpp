#include <fcntl.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "braid/fs/names.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"
#include "log_core.hpp"
#include "log_sync.hpp"

namespace braid::messaging::detail {

task<> log_core::remove_segment(std::uint64_t first) {
  const std::filesystem::path path = segments_.at(first).path;
  auto removing = shield(as_result(fs::remove(path)));
  const result<void> done = co_await std::move(removing);
  if (!done && done.error() != std::errc::no_such_file_or_directory) done.error().rethrow();
  if (segments_.at(first).reader) --readers_;
  segments_.erase(first);
}

task<> log_core::truncate_front(std::shared_ptr<log_core> self, std::uint64_t sequence) {
  self->require_writable("log::truncate_front");
  auto locking = self->door_.lock();
  const auto lock = co_await std::move(locking);
  self->require_writable("log::truncate_front");  // still
  // The oldest goes first, so that those which a crash leaves are without a gap.
  for (;;) {
    const auto second =
        self->segments_.size() < 2 ? self->segments_.end() : std::next(self->segments_.begin());
    if (second == self->segments_.end() || second->first > sequence) break;
    co_await self->remove_segment(self->segments_.begin()->first);
  }
}

task<> log_core::truncate_back(std::shared_ptr<log_core> self, std::uint64_t sequence) {
  self->require_writable("log::truncate_back");
  if (sequence < self->first())
    invalid_argument_error("log::truncate_back", "the record is before the first one").rethrow();
  auto locking = self->door_.lock();
  const auto lock = co_await std::move(locking);
  self->require_writable("log::truncate_back");  // still
  if (sequence > self->written_) co_return;
  auto cutting = shield(as_result(self->cut_from(sequence)));
  const result<void> done = co_await std::move(cutting);
  if (done) co_return;
  self->stop(done.error());
  done.error().rethrow();
}

task<> log_core::cut_from(std::uint64_t sequence) {
  ++cuts_;
  durable_ = std::min(durable_, sequence - 1);
  marked_ = std::min(marked_, sequence - 1);
  visible_.set(sequence - 1);
  if (file_.is_open()) co_await file_.close();
  // The newest goes first, so that those which a crash leaves are without a gap.
  while (segments_.size() > 1 && segments_.rbegin()->first >= sequence)
    co_await remove_segment(segments_.rbegin()->first);
  auto& [first, last] = *segments_.rbegin();
  last.last = sequence - 1;
  const std::uint64_t end = co_await offset_of(first, sequence);
  last.bytes = end;
  std::erase_if(last.index, [end](const index_entry& each) { return each.offset >= end; });
  {
    const file to = co_await open_file(last.path, O_RDWR);
    co_await to.truncate(end);
    co_await sync_file(to, true);
  }
  co_await sync_directory(directory_);
  directory_unsynced_ = unsynced_ = false;
  written_ = durable_ = sequence - 1;
  position_ = end;
  co_await open_for_writing();
}

// Where the record stands, or what stands in its place.
task<std::uint64_t> log_core::offset_of(std::uint64_t segment, std::uint64_t sequence) {
  const file in = co_await open_segment(segment);
  const std::uint64_t size = co_await in.size();
  const index_entry begin = find(segment, sequence);
  segment_reader reader(in, segment, begin.offset, begin.sequence, size);
  for (;;) {
    const segment_reader::step each = co_await reader.next();
    if (each.head ? each.head->sequence >= sequence : !each.damage || each.to_the_end) co_return each.offset;
    if (each.damage && each.damage->last >= sequence) co_return each.damage->from;
  }
}

}  // namespace braid::messaging::detail
