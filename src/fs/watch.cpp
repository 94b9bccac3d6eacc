#include "braid/fs/watch.hpp"

#include <sys/inotify.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>

#include "braid/fs/detail/path_outcomes.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/offload.hpp"

namespace braid::fs {

namespace {

constexpr std::size_t buffer_bytes = 4096;  // holds a record with the longest name
constexpr std::uint32_t watched = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY |
                                  IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

[[noreturn]] void fail(int code, const std::filesystem::path& path) {
  std::string object = braid::detail::shown(path.native());
  if (code == ENOSPC) object += " (the limit is fs.inotify.max_user_watches)";
  if (code == EMFILE) object += " (no descriptor is left, or the limit is fs.inotify.max_user_instances)";
  error(std::error_code(code, std::generic_category()), "fs::watch", std::move(object)).rethrow();
}

// On a thread of the blocking pool, since the path may lead to a slow disk.
file begin(const std::filesystem::path& path) {
  if (path.native().find('\0') != std::string::npos) fail(EINVAL, path);
  const int number = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (number < 0) fail(errno, path);
  file made = file::from_descriptor(number);
  if (::inotify_add_watch(number, path.c_str(), watched) < 0) fail(errno, path);
  return made;
}

change_kind kind_of(std::uint32_t mask) noexcept {
  if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) return change_kind::appeared;
  if ((mask & (IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF)) != 0)
    return change_kind::disappeared;
  return (mask & IN_ATTRIB) != 0 ? change_kind::attributes : change_kind::modified;
}

}  // namespace

watcher::watcher(file from)
    : from_(std::move(from)), buffer_(std::make_unique_for_overwrite<char[]>(buffer_bytes)) {}

// The next record; empty for one that ends the watch.
std::optional<change> watcher::take() {
  inotify_event record;
  std::memcpy(&record, buffer_.get() + at_, sizeof record);
  const char* const name = buffer_.get() + at_ + sizeof record;
  at_ += sizeof record + record.len;
  if ((record.mask & (IN_IGNORED | IN_UNMOUNT)) != 0) {
    ended_ = true;
    return std::nullopt;
  }
  if ((record.mask & IN_Q_OVERFLOW) != 0) return change{.kind = change_kind::missed, .name = {}};
  return change{.kind = kind_of(record.mask),
                .name = record.len == 0 ? std::string() : std::string(name),
                .is_directory = (record.mask & IN_ISDIR) != 0};
}

task<std::optional<change>> watcher::next() {
  for (;;) {
    while (!ended_ && from_.is_open() && at_ != end_) {
      std::optional<change> found = take();
      if (found) co_return found;
    }
    if (ended_) co_return std::nullopt;
    const std::size_t got = co_await from_.read_some(std::span(buffer_.get(), buffer_bytes));
    at_ = 0;
    end_ = got;
  }
}

task<watcher> watch(std::filesystem::path path) {
  if (loop::current("fs::watch").operations().simulates_threads()) fail(EOPNOTSUPP, path);
  auto beginning = offload(begin, std::move(path));
  file begun = co_await std::move(beginning);
  co_return watcher(std::move(begun));
}

}  // namespace braid::fs
