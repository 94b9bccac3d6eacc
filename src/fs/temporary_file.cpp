#include "braid/fs/temporary_file.hpp"

#include <fcntl.h>

#include <cstdlib>
#include <system_error>
#include <utility>

#include "braid/fs/names.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"
#include "new_name.hpp"

namespace braid::fs {

namespace {

constexpr mode_t ours_alone = 0600;

// Is this what a file system without nameless files answers?
bool needs_name(const error& why) noexcept {
  return why == std::errc::operation_not_supported || why == std::errc::is_a_directory;
}

// Neither step may be cut short: a thread that was left behind would make the file later.
task<file> named_and_removed(std::filesystem::path directory) {
  for (;;) {
    const std::filesystem::path name = detail::new_name(directory);
    auto opening = shield(as_result(open_file(name, O_RDWR | O_CREAT | O_EXCL, ours_alone)));
    result<file> opened = co_await std::move(opening);
    if (opened == std::errc::file_exists) continue;
    file made = std::move(opened).value();
    auto removing = shield(fs::remove(name));
    co_await std::move(removing);
    co_return made;
  }
}

}  // namespace

task<file> temporary_file() {
  const char* const chosen = std::getenv("TMPDIR");
  return temporary_file(chosen != nullptr && *chosen != '\0' ? chosen : "/tmp");
}

task<file> temporary_file(std::filesystem::path directory) {
  auto opening = as_result(open_file(directory, O_RDWR | O_TMPFILE, ours_alone));
  result<file> opened = co_await std::move(opening);
  if (!opened && needs_name(opened.error())) opened = co_await named_and_removed(std::move(directory));
  co_return std::move(opened).value();
}

}  // namespace braid::fs
