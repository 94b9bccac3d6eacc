#include "braid/loop/detail/buffer_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <new>

#include "braid/base/detail/assert.hpp"
#include "braid/base/detail/poison.hpp"
#include "braid/loop/operation_context.hpp"

namespace braid::detail {

namespace {
constexpr unsigned first_buffers = 16;

constexpr std::size_t whole_pages(std::size_t bytes) noexcept { return (bytes + 4095) / 4096 * 4096; }

}  // namespace

buffer_pool::buffer_pool(operation_context& home, unsigned limit)
    : home_(&home), limit_(limit), mask_(std::bit_ceil(limit) - 1) {
  const std::size_t ring_bytes = whole_pages(ring_entries() * sizeof(entry));
  const std::size_t data_bytes = std::size_t{limit} * size;
  mapped_bytes_ = ring_bytes + data_bytes + limit * sizeof(note);
  void* const mapped = ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  ring_ = static_cast<entry*>(mapped);
  data_ = static_cast<char*>(mapped) + ring_bytes;
  notes_ = reinterpret_cast<note*>(data_ + data_bytes);
  (void)grow();
}

buffer_pool::~buffer_pool() {
  unpoison(data_, std::size_t{limit_} * size);
  ::munmap(ring_, mapped_bytes_);
}

bool buffer_pool::grow() noexcept {
  const unsigned wanted = std::min(limit_, std::max(first_buffers, 2 * count_));
  if (wanted == count_) return false;
  while (count_ != wanted) provide(static_cast<std::uint16_t>(count_++));
  return true;
}

// The kernel reads an entry once it has seen the tail behind it.
void buffer_pool::provide(std::uint16_t id) noexcept {
  poison(data(id), size);
  entry& next = ring_[tail_++ & mask_];
  next.address = reinterpret_cast<std::uint64_t>(data(id));
  next.length = size;
  next.id = id;
  std::atomic_ref(ring_->tail).store(tail_, std::memory_order_release);
}

std::optional<std::uint16_t> buffer_pool::take() noexcept {
  if (head_ == tail_) return std::nullopt;
  return ring_[head_++ & mask_].id;
}

void buffer_pool::received(std::uint16_t id, std::size_t bytes) noexcept {
  ++held_;
  ++received_;
  unpoison(data(id), bytes);
}

void buffer_pool::give_back(std::uint16_t id) noexcept {
  --held_;
  if (home_ == nullptr) return;
  provide(id);
  wake_one();
}

void buffer_pool::wake_one() noexcept {
  if (!starved_.empty()) home_->make_ready(starved_.pop_front());
}

void buffer_pool::loop_ends() noexcept {
  home_ = nullptr;
  while (!starved_.empty()) starved_.pop_front();
  leave();
}

void buffer_pool::wrong_thread(const char* what) noexcept { misused(what); }

}  // namespace braid::detail
