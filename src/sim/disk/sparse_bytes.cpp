#include "disk/sparse_bytes.hpp"

#include <algorithm>
#include <cstring>

namespace braid::sim::detail {

namespace {

constexpr std::uint64_t page_bytes = sparse_bytes::page_bytes;

// The part of [from, to) that lies in the page of `from`.
struct in_page {
  in_page(std::uint64_t from, std::uint64_t to) noexcept
      : number(from / page_bytes),
        begin(static_cast<std::size_t>(from % page_bytes)),
        size(static_cast<std::size_t>(std::min(page_bytes - begin, to - from))) {}
  std::uint64_t number;
  std::size_t begin, size;
};

}  // namespace

void sparse_bytes::resize(page& which, std::size_t size) {
  used_ -= which.size();
  which.resize(size);
  used_ += size;
}

void sparse_bytes::read(std::uint64_t from, void* to, std::size_t size) const {
  if (size == 0) return;
  std::memset(to, 0, size);
  const std::uint64_t end = from + size;
  for (auto at = pages_.lower_bound(from / page_bytes); at != pages_.end(); ++at) {
    const std::uint64_t start = at->first * page_bytes;
    if (start >= end) break;
    const std::uint64_t first = std::max(start, from), last = std::min(start + at->second.size(), end);
    if (first < last)
      std::memcpy(static_cast<std::byte*>(to) + (first - from), at->second.data() + (first - start),
                  static_cast<std::size_t>(last - first));
  }
}

void sparse_bytes::write(std::uint64_t at, const void* bytes, std::size_t size) {
  const auto* from = static_cast<const std::byte*>(bytes);
  for (const std::uint64_t end = at + size; at < end;) {
    const in_page here(at, end);
    page& to = pages_[here.number];
    if (to.size() < here.begin + here.size) resize(to, here.begin + here.size);
    std::memcpy(to.data() + here.begin, from, here.size);
    from += here.size;
    at += here.size;
  }
}

void sparse_bytes::clear(std::uint64_t from, std::uint64_t to) {
  if (from >= to) return;
  for (auto at = pages_.lower_bound(from / page_bytes); at != pages_.end();) {
    const std::uint64_t start = at->first * page_bytes;
    if (start >= to) break;
    page& bytes = at->second;
    const auto first = static_cast<std::size_t>(std::max(start, from) - start);
    const auto last = static_cast<std::size_t>(std::min(start + page_bytes, to) - start);
    if (last >= bytes.size()) {
      if (first < bytes.size()) resize(bytes, first);
    } else {
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(first),
                bytes.begin() + static_cast<std::ptrdiff_t>(last), std::byte{});
    }
    at = bytes.empty() ? pages_.erase(at) : std::next(at);
  }
}

void sparse_bytes::take(std::uint64_t from, std::uint64_t to, const sparse_bytes& other) {
  clear(from, to);
  if (from >= to) return;
  for (auto at = other.pages_.lower_bound(from / page_bytes); at != other.pages_.end(); ++at) {
    const std::uint64_t start = at->first * page_bytes;
    if (start >= to) break;
    const std::uint64_t first = std::max(start, from), last = std::min(start + at->second.size(), to);
    if (first < last)
      write(first, at->second.data() + (first - start), static_cast<std::size_t>(last - first));
  }
}

sparse_bytes sparse_bytes::part(std::uint64_t from, std::uint64_t to) const {
  sparse_bytes found;
  found.take(from, to, *this);
  return found;
}

std::size_t sparse_bytes::fitting(std::uint64_t at, std::size_t size, std::uint64_t room) const {
  const std::uint64_t begin = at, end = at + size;
  while (at < end) {
    const in_page here(at, end);
    const auto found = pages_.find(here.number);
    const std::size_t had = found == pages_.end() ? 0 : found->second.size();
    const std::size_t needs = std::max(had, here.begin + here.size) - had;
    if (needs > room) {
      const std::uint64_t most = had + room;  // the number of bytes that this page can have
      return static_cast<std::size_t>(at - begin + (most > here.begin ? most - here.begin : 0));
    }
    room -= needs;
    at += here.size;
  }
  return size;
}

}  // namespace braid::sim::detail
