#include "segment_reader.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "braid/loop/direct_calls.hpp"
#include "braid/messaging/detail/crc32c.hpp"

namespace braid::messaging::detail {

segment_reader::segment_reader(const file& from, std::uint64_t segment, std::uint64_t offset,
                               std::uint64_t expected, std::uint64_t end)
    : from_(from), segment_(segment), offset_(offset), expected_(expected), end_(end) {}

// Makes the bytes at the offset available, or as many of them as there are before the end.
task<> segment_reader::fill(std::size_t bytes) {
  std::size_t kept = 0;
  if (offset_ >= base_ && offset_ < base_ + filled_) {
    kept = static_cast<std::size_t>(base_ + filled_ - offset_);
    std::memmove(buffer_.data(), here(), kept);
  }
  base_ = offset_;
  filled_ = kept;
  const std::uint64_t left = end_ - std::min(end_, offset_);
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(left, std::max(bytes, read_ahead_bytes)));
  if (buffer_.size() < wanted) buffer_.resize(wanted);
  while (filled_ < wanted) {
    const auto room = std::span(buffer_).subspan(filled_, wanted - filled_);
    const std::size_t got = co_await from_.read_at(base_ + filled_, room);
    if (got == 0) break;
    filled_ += got;
  }
}

std::optional<record_head> segment_reader::head_here() const noexcept {
  // Each record takes at least the bytes of a head.
  const std::uint64_t most = expected_ + end_ / head_bytes;
  return read_head(here(), {segment_, offset_}, expected_, most);
}

task<> segment_reader::skip_to_a_head() {
  only_zeros_ = true;
  for (;;) {
    if (!has(head_bytes)) co_await fill(head_bytes);
    if (!has(head_bytes)) break;
    for (; has(head_bytes); offset_ += record_alignment) {
      if (head_here()) co_return;
      const auto* const at = here();
      only_zeros_ =
          only_zeros_ && std::all_of(at, at + record_alignment, [](std::byte b) { return b == std::byte{}; });
    }
  }
  const std::size_t left = static_cast<std::size_t>(base_ + filled_ - offset_);
  only_zeros_ =
      only_zeros_ && std::all_of(here(), here() + left, [](std::byte b) { return b == std::byte{}; });
  offset_ = end_;
}

log_damage segment_reader::damage(std::uint64_t from, std::uint64_t first, std::uint64_t last,
                                  std::string_view how) const {
  const std::string file = braid::describe(from_.number());
  const bool one = first == last;
  const std::string numbers =
      one ? std::to_string(first) : std::to_string(first) + " to " + std::to_string(last);
  std::string text = file + " at " + std::to_string(from) + " (";
  text += first > last ? "the head of the file" : one ? "the record " : "the records ";
  if (first <= last) text += numbers;
  text.append(first < last ? " are " : " is ").append(how).append(")");
  return {file, from, offset_, first, last, std::move(text)};
}

segment_reader::step segment_reader::damage_to_the_end(std::uint64_t from) {
  step found{.offset = from, .to_the_end = true, .is_zeros = only_zeros_};
  found.damage = log_damage{.file = braid::describe(from_.number()),
                            .from = from,
                            .to = offset_,
                            .first = expected_,
                            .last = expected_ - 1,
                            .what = {}};
  return found;
}

task<segment_reader::step> segment_reader::next() {
  if (offset_ < head_bytes) {  // the segment's own head
    if (!has(head_bytes)) co_await fill(head_bytes);
    const bool whole = has(head_bytes);
    if (whole && read_segment_head(here(), segment_) == segment_head::right) {
      offset_ = head_bytes;
    } else if (end_ != 0) {
      co_await skip_to_a_head();
      if (offset_ == end_) co_return damage_to_the_end(0);
      const std::uint64_t first = std::exchange(expected_, head_here()->expects());
      step damaged;
      damaged.damage = damage(0, first, expected_ - 1, "damaged");
      co_return damaged;
    }
  }
  step found{.offset = offset_};
  if (offset_ >= end_) co_return found;
  const std::uint64_t from = offset_;
  if (!has(head_bytes)) co_await fill(head_bytes);
  std::optional<record_head> head;
  if (has(head_bytes)) head = head_here();
  if (!head) {
    co_await skip_to_a_head();
    if (offset_ == end_) co_return damage_to_the_end(from);
    head = head_here();
  }
  if (offset_ != from || head->expects() != expected_) {
    const std::uint64_t first = std::exchange(expected_, head->expects());
    const char* const what = offset_ != from ? "damaged" : "missing";
    found.damage = damage(from, first, expected_ - 1, what);
    co_return found;
  }
  const std::size_t size = record_bytes(head->length);
  if (!has(size)) co_await fill(size);
  if (!has(size)) {  // its end is missing
    offset_ = end_;
    only_zeros_ = false;
    co_return damage_to_the_end(from);
  }
  const std::string_view body(reinterpret_cast<const char*>(here()) + head_bytes, head->length);
  offset_ += size;
  if (crc32c(body.data(), body.size()) == head->body_checksum) {
    found.head = head;
    found.body = body;
    expected_ = head->sequence + 1;
    co_return found;
  }
  found.damage = damage(from, head->sequence, head->sequence, "damaged");
  expected_ = head->sequence + 1;
  co_return found;
}

}  // namespace braid::messaging::detail
