#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "braid/loop/bytes.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// Reads a file until its end. The file may report no size, as in /proc, be a pipe, or grow or shrink
/// meanwhile.
///
///     log(co_await read_file("/etc/hostname"));
///
/// Errors  as open_file and file::read_some. An endless file such as /dev/zero is read until memory runs out.
/// Cost    memory for the contents where the size is known, otherwise for up to twice the contents.
[[nodiscard]] task<std::string> read_file(std::filesystem::path path);
/// Like read_file, but fails with file_too_large when there are more than most_bytes.
///
///     const auto text = co_await as_result(read_file_at_most("/tmp/upload", 1 << 20));
///     if (text == std::errc::file_too_large) log("more than a megabyte");
[[nodiscard]] task<std::string> read_file_at_most(std::filesystem::path path, std::size_t most_bytes);

/// Creates the file, or replaces its contents. They survive a crash of the system only once the file has been
/// opened again and file::sync has completed.
///
///     const std::string text = co_await fetch("page");
///     co_await write_file("/tmp/page", text);
///
/// Lifetime  bytes stay alive until the operation has ended.
[[nodiscard]] task<void> write_file(std::filesystem::path path, readable_bytes bytes);

}  // namespace braid
