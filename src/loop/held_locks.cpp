#include "braid/loop/detail/held_locks.hpp"

#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <unordered_map>

#include "braid/loop/loop.hpp"

namespace braid::detail {

namespace {

struct held_lock {
  held_locks::still_held_fn* still_held;
  const async_frame* by;
  std::source_location where;
  std::thread::id thread;
  const loop* home;
  std::size_t waiting = 0;
};

struct table {
  std::mutex mutex;  // guards what follows
  std::unordered_map<const void*, held_lock> locks;
  std::unordered_multimap<const async_frame*, const void*> by_frame;

  void drop_owner(const void* lock, const held_lock& entry) {
    const auto [first, last] = by_frame.equal_range(entry.by);
    for (auto each = first; each != last; ++each)
      if (each->second == lock) {
        by_frame.erase(each);
        return;
      }
  }
};
table& all_locks() {
  static auto* const never_destroyed = new table;
  return *never_destroyed;
}

}  // namespace

void held_locks::locked(const void* lock, still_held_fn& still_held, const async_frame* by) noexcept {
  const loop* const home = loop::current_or_null();
  const std::source_location where = by != nullptr ? by->where : std::source_location();
  const std::thread::id here = std::this_thread::get_id();
  bool elsewhere = false;
  try {
    table& all = all_locks();
    const std::lock_guard guard(all.mutex);
    const auto [found, is_new] = all.locks.try_emplace(lock);
    held_lock& entry = found->second;
    if (!is_new) {
      all.drop_owner(lock, entry);
      elsewhere = entry.thread != here && home != nullptr && loop::is_alive(entry.home);
    }
    entry = {&still_held, by, where, here, home};
    if (by != nullptr) all.by_frame.emplace(by, lock);
  } catch (const std::bad_alloc&) {
    // the lock is left out
  }
  if (elsewhere)
    find_mistake(mistake::wrong_loop, where, [&] {
      return finding{
          mistake::wrong_loop,
          "mutex::lock: the mutex is used on the threads of two loops; it belongs to one loop: from "
          "another thread use loop::post",
          stack_of(by)};
    });
}

void held_locks::waits(const void* lock) noexcept {
  table& all = all_locks();
  const std::lock_guard guard(all.mutex);
  if (const auto found = all.locks.find(lock); found != all.locks.end()) ++found->second.waiting;
}

void held_locks::forget(const void* lock) noexcept {
  table& all = all_locks();
  const std::lock_guard guard(all.mutex);
  const auto found = all.locks.find(lock);
  if (found == all.locks.end()) return;
  all.drop_owner(lock, found->second);
  all.locks.erase(found);
}

void held_locks::forget_those_of(const async_frame& frame) noexcept {
  table& all = all_locks();
  const std::lock_guard guard(all.mutex);
  all.by_frame.erase(&frame);
}

bool held_locks::held_by(const async_frame* frame, std::source_location& locked_at) noexcept {
  table& all = all_locks();
  const std::lock_guard guard(all.mutex);
  const auto [first, last] = all.by_frame.equal_range(frame);
  for (auto each = first; each != last; ++each) {
    const held_lock& entry = all.locks.at(each->second);
    if (entry.thread != std::this_thread::get_id() || !entry.still_held(each->second, entry.waiting))
      continue;
    locked_at = entry.where;
    return true;
  }
  return false;
}

}  // namespace braid::detail
