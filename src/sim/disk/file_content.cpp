#include "disk/file_content.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace braid::sim::detail {

std::size_t file_content::read(std::uint64_t from, void* to, std::size_t size) const {
  if (from >= size_) return 0;
  const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(size, size_ - from));
  bytes_.read(from, to, there);
  return there;
}

void file_content::remember(change made) {
  replaced_bytes_ += made.replaced.used();
  changes_.push_back(std::move(made));
  while (changes_.size() > most_changes || replaced_bytes_ > most_replaced_bytes) {
    replaced_bytes_ -= changes_.front().replaced.used();
    changes_.pop_front();  // it cannot be undone any more
  }
}

void file_content::write(std::uint64_t at, const void* bytes, std::size_t size) {
  const std::uint64_t end = at + size;
  remember({at, end, size_, std::max(size_, end), bytes_.part(at, end)});
  bytes_.write(at, bytes, size);
  size_ = std::max(size_, end);
}

void file_content::resize(std::uint64_t size) {
  if (size == size_) return;
  const std::uint64_t end = std::max(size, size_);
  const std::uint64_t from = size < size_ ? size : end;  // growing replaces no bytes
  remember({from, end, size_, size, bytes_.part(from, end)});
  bytes_.clear(from, end);
  size_ = size;
}

void file_content::assign(const void* bytes, std::size_t size) {
  keep_all();
  bytes_ = {};
  bytes_.write(0, bytes, size);
  size_ = size;
}

bool file_content::is_size_unsynced() const noexcept {
  return std::ranges::any_of(changes_, [](const change& each) { return !each.doubtful && each.resizes(); });
}

void file_content::keep_all() noexcept {
  changes_.clear();
  replaced_bytes_ = 0;
}

void file_content::sync_failed() noexcept {
  for (change& each : changes_) each.doubtful = true;
}

void file_content::synced() {
  const auto synced_from = static_cast<std::size_t>(
      std::ranges::find_if(changes_, [](const change& each) { return !each.doubtful; }) - changes_.begin());
  std::deque<change> left;
  for (std::size_t i = 0; i != synced_from; ++i) add_what_stays_doubtful(changes_[i], synced_from, left);
  keep_all();
  for (change& each : left) remember(std::move(each));
}

// Keeps only those parts of a doubtful change that no later change has overwritten or resized.
void file_content::add_what_stays_doubtful(const change& doubtful, std::size_t synced_from,
                                           std::deque<change>& to) const {
  struct range {
    std::uint64_t from, to;
  };
  std::vector<range> pieces{{doubtful.from, doubtful.to}};
  bool resized = false;
  for (std::size_t i = synced_from; i != changes_.size(); ++i) {
    const change& over = changes_[i];
    resized = resized || over.resizes();
    std::vector<range> left;
    for (const range& each : pieces) {
      if (each.from < std::min(each.to, over.from)) left.push_back({each.from, std::min(each.to, over.from)});
      if (std::max(each.from, over.to) < each.to) left.push_back({std::max(each.from, over.to), each.to});
    }
    pieces = std::move(left);
  }
  if (doubtful.cuts()) {  // its bytes follow its size
    if (!resized) to.push_back(doubtful);
    return;
  }
  if (doubtful.resizes() && !resized)
    to.push_back({doubtful.to, doubtful.to, doubtful.size_before, doubtful.size_after, {}, true});
  for (const range& each : pieces)
    to.push_back({each.from, each.to, 0, 0, doubtful.replaced.part(each.from, each.to), true});
}

void file_content::crash(choices& draws) {
  if (changes_.empty()) return;
  for (auto each = changes_.rbegin(); each != changes_.rend(); ++each) {
    sparse_bytes made = bytes_.part(each->from, each->to);
    bytes_.take(each->from, each->to, each->replaced);
    each->replaced = std::move(made);  // the bytes that redo() writes again
    if (each->resizes()) size_ = each->size_before;
  }
  for (const change& each : changes_) redo(each, draws);
  bytes_.clear(size_, std::numeric_limits<std::uint64_t>::max());  // bytes without their growth
  keep_all();
}

void file_content::redo(const change& made, choices& draws) {
  if (made.cuts()) {
    if (draws.among(2) != 0) return;
    bytes_.take(made.from, made.to, made.replaced);
    size_ = made.size_after;
    return;
  }
  if (made.from < made.to) {
    enum : std::size_t { kept, lost, torn };
    const std::uint64_t first = made.from / sector_bytes, last = (made.to - 1) / sector_bytes;
    const auto inner_bounds = static_cast<std::size_t>(last - first);
    const std::size_t fate = draws.among(inner_bounds == 0 ? 2 : 3);
    if (fate == kept) bytes_.take(made.from, made.to, made.replaced);
    if (fate == torn)
      bytes_.take(made.from, (first + 1 + draws.among(inner_bounds)) * sector_bytes, made.replaced);
  }
  if (made.resizes() && draws.among(2) == 0) size_ = std::max(size_, made.size_after);
}

}  // namespace braid::sim::detail
