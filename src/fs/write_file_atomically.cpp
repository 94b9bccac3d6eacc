#include "braid/fs/write_file_atomically.hpp"

#include <fcntl.h>

#include <optional>
#include <system_error>
#include <utility>

#include "braid/fs/file.hpp"
#include "braid/fs/names.hpp"
#include "braid/fs/status.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"
#include "new_name.hpp"

namespace braid::fs {

namespace {

constexpr const char* name_of_call = "fs::write_file_atomically";

[[noreturn]] void fail(std::errc why, const std::filesystem::path& path) {
  error(std::make_error_code(why), name_of_call, path.string()).rethrow();
}

// On a thread of the blocking pool. The last link may lead to a file that does not exist yet.
std::filesystem::path follow_links(std::filesystem::path from) {
  constexpr int most_links = 40;  // as the system
  std::filesystem::path to = from;
  for (int followed = 0; std::filesystem::is_symlink(std::filesystem::symlink_status(to)); ++followed) {
    if (followed == most_links) fail(std::errc::too_many_symbolic_link_levels, from);
    to = to.parent_path() / std::filesystem::read_symlink(to);  // an absolute target replaces all
  }
  return to;
}

constexpr char change_mode_name[] = "fs::write_file_atomically: change_mode";
auto change_mode(const file& of, std::filesystem::perms to) {
  return io_sender<detail::done_outcome<change_mode_name>>{
      {.code = opcode::change_mode, .descriptor = of.number(), .length = static_cast<std::uint32_t>(to)}, {}};
}

// False if there is such a file already: another name must be tried.
task<bool> replace_by(std::filesystem::path temporary, std::filesystem::path path, readable_bytes bytes,
                      std::optional<std::filesystem::perms> permissions) {
  auto removing = shield(as_result(fs::remove(temporary)));  // made first, so that it needs no memory later
  // The opening must not be cut short: a thread that was left behind would make the file later.
  const mode_t mode = permissions ? 0600 : 0666;
  auto opening = shield(as_result(open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, mode)));
  result<file> opened = co_await std::move(opening);
  if (opened == std::errc::file_exists) co_return false;
  file made = std::move(opened).value();
  std::optional<error> failed;
  try {
    co_await made.write_all(bytes);
    if (permissions) co_await change_mode(made, *permissions);
    co_await made.sync();
    co_await made.close();
    auto renaming = shield(fs::rename(temporary, path));
    co_await std::move(renaming);
  } catch (...) {
    failed = error::current();
  }
  if (!failed) co_return true;
  const result<void> removed = co_await std::move(removing);
  if (!removed) failed->suppress(removed.error());
  failed->rethrow();
}

task<void> sync_directory(std::filesystem::path directory) {
  file opened = co_await open_file(directory, O_RDONLY | O_DIRECTORY);
  co_await opened.sync();
  co_await opened.close();
}

}  // namespace

task<void> write_file_atomically(std::filesystem::path path, readable_bytes bytes) {
  using std::filesystem::file_type;
  auto asking = as_result(link_status(path));
  result<file_status> before = co_await std::move(asking);
  if (before && before->type == file_type::symlink) {
    path = co_await offload(follow_links, path);
    auto asking_again = as_result(link_status(path));
    before = co_await std::move(asking_again);
  }
  if (!before && before.error() != std::errc::no_such_file_or_directory) before.error().rethrow();
  if (before && before->type == file_type::directory) fail(std::errc::is_a_directory, path);
  if (before && before->type != file_type::regular) fail(std::errc::invalid_argument, path);
  const std::filesystem::path directory = path.has_parent_path() ? path.parent_path() : ".";
  const auto permissions = before ? std::optional(before->permissions) : std::nullopt;
  for (bool replaced = false; !replaced;)
    replaced = co_await replace_by(detail::new_name(directory), path, bytes, permissions);
  auto syncing = shield(sync_directory(directory));
  co_await std::move(syncing);
}

}  // namespace braid::fs
