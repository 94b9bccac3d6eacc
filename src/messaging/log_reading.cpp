#include <algorithm>
#include <iterator>
#include <new>
#include <system_error>
#include <utility>

#include "braid/loop/direct_calls.hpp"
#include "braid/style/as_result.hpp"
#include "log_core.hpp"

namespace braid::messaging::detail {

namespace {

error damaged(std::string where) {
  return {make_error_code(errc::damaged_record), "log::read", std::move(where)};
}
// The records that should have stood before the end of a file.
error missing(const std::filesystem::path& path, std::uint64_t first, std::uint64_t last) {
  return damaged(path.string() + " (the records " + std::to_string(first) + " to " + std::to_string(last) +
                 " are missing)");
}

}  // namespace

void log_core::note(std::uint64_t segment, std::uint64_t sequence, std::uint64_t offset) noexcept {
  const auto found = segments_.find(segment);
  if (found == segments_.end()) return;
  auto& index = found->second.index;
  if (offset < (index.empty() ? 0 : index.back().offset) + index_step) return;
  try {
    index.push_back({sequence, offset});
  } catch (const std::bad_alloc&) {
    // a read begins further ahead
  }
}

// A place in the segment at or before a record, where a record begins.
log_core::index_entry log_core::find(std::uint64_t segment, std::uint64_t sequence) const {
  const auto found = segments_.find(segment);
  if (found == segments_.end()) return {segment, 0};
  const auto& index = found->second.index;
  const auto after = std::ranges::upper_bound(index, sequence, {}, &index_entry::sequence);
  return after == index.begin() ? index_entry{segment, 0} : *std::prev(after);
}

std::optional<std::uint64_t> log_core::following(std::uint64_t segment) const {
  const auto found = segments_.upper_bound(segment);
  return found == segments_.end() ? std::nullopt : std::optional(found->first);
}

std::uint64_t log_core::end_of(std::uint64_t segment, std::uint64_t otherwise) const {
  const auto found = segments_.find(segment);
  return found == segments_.end() ? otherwise : found->second.bytes;
}

error log_core::removed(std::uint64_t sequence) const {
  return {make_error_code(errc::record_removed), "log::read",
          "the record " + std::to_string(sequence) + " of " + directory_.string()};
}

task<std::shared_ptr<const file>> log_core::reader_of(std::uint64_t segment) {
  const auto known = segments_.find(segment);
  if (known == segments_.end()) removed(segment).rethrow();
  if (known->second.reader) co_return known->second.reader;
  auto opening = as_result(open_file(known->second.path));
  result<file> opened = co_await std::move(opening);
  const auto found = segments_.find(segment);  // it may have been removed meanwhile
  if (found == segments_.end()) removed(segment).rethrow();
  if (!opened) opened.error().rethrow();
  auto made = std::make_shared<const file>(std::move(opened).value());
  for (auto each = segments_.begin(); readers_ >= most_readers && each != segments_.end(); ++each)
    if (std::exchange(each->second.reader, nullptr)) --readers_;
  if (!std::exchange(found->second.reader, made)) ++readers_;
  co_return made;
}

task<> log_core::read_bytes(std::shared_ptr<log_core> self, record_place at, std::span<std::byte> to) {
  const std::shared_ptr<const file> from = co_await self->reader_of(at.segment);
  for (std::size_t done = 0; done != to.size();) {
    const std::size_t got = co_await from->read_at(at.offset + done, to.subspan(done));
    if (got == 0)
      damaged(describe(from->number()) + " at " + std::to_string(at.offset) + " (its end is missing)")
          .rethrow();
    done += got;
  }
}

async_generator<result<log_record>> log_core::read(std::shared_ptr<log_core> self, std::uint64_t from,
                                                   bool follows) {
  auto news = self->visible_.read();
  std::uint64_t next = std::max<std::uint64_t>(from, 1);
  std::uint64_t cuts = self->cuts_;
  follows = follows && !self->how_.read_only;
  for (;;) {
    if (cuts != self->cuts_ && next > self->last() + 1) self->removed(next).rethrow();
    cuts = self->cuts_;
    if (next > self->last()) {
      if (!follows || self->visible_.is_closed()) break;
      auto waiting = news.receive();
      (void)co_await std::move(waiting);
      continue;
    }
    const auto behind = self->segments_.upper_bound(next);
    if (behind == self->segments_.begin()) self->removed(next).rethrow();
    const auto [segment, path] = std::pair(std::prev(behind)->first, std::prev(behind)->second.path);
    auto opening = as_result(self->open_segment(segment));
    result<file> opened = co_await std::move(opening);
    if (!opened) {
      // It may have been removed meanwhile.
      if (self->segments_.find(segment) == self->segments_.end()) self->removed(next).rethrow();
      if (!self->how_.skip_unreadable || opened.error() != make_error_code(errc::unreadable_segment))
        opened.error().rethrow();
      next = self->following(segment).value_or(self->last() + 1);
      result<log_record> skipped(opened.error());
      co_yield std::move(skipped);
      continue;
    }
    const file in = std::move(opened).value();
    const index_entry begin = self->find(segment, next);
    segment_reader reader(in, segment, begin.offset, begin.sequence, self->end_of(segment, 0));
    while (cuts == self->cuts_) {
      segment_reader::step each = co_await reader.next();
      if (cuts != self->cuts_) break;
      if (each.head) {
        if (each.head->kind != record_kind::data || each.head->sequence < next) continue;
        next = each.head->sequence + 1;
        self->note(segment, each.head->sequence, each.offset);
        result<log_record> good(
            log_record{each.head->sequence, std::string(each.body), segment, each.offset});
        co_yield std::move(good);
        continue;
      }
      if (each.damage && !each.to_the_end) {
        const bool is_news = each.damage->last >= next || each.damage->from == 0;
        next = std::max(next, each.damage->last + 1);
        if (!is_news) continue;
        result<log_record> bad(damaged(std::move(each.damage->what)));
        co_yield std::move(bad);
        continue;
      }
      // All of the file that can be read now has been. If it was removed meanwhile, so was what followed.
      if (self->segments_.find(segment) == self->segments_.end()) break;
      const std::uint64_t end = self->end_of(segment, reader.offset());
      if (end > reader.offset()) {
        reader.extend(end);
        continue;
      }
      const std::uint64_t last = self->following(segment).value_or(self->last() + 1) - 1;
      if (next <= last) {
        result<log_record> bad(missing(path, next, last));
        next = last + 1;
        co_yield std::move(bad);
      }
      if (self->following(segment) || !follows || self->visible_.is_closed()) break;
      auto waiting = news.receive();
      (void)co_await std::move(waiting);
    }
  }
}

}  // namespace braid::messaging::detail
