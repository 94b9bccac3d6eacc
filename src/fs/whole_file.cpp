#include "braid/fs/whole_file.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <system_error>
#include <utility>

#include "braid/fs/file.hpp"

namespace braid {

namespace {

constexpr std::size_t piece = 64 << 10;  // is read at a time where the size is unknown
constexpr std::uint64_t most_believed = 1 << 30;

// Room for the file and one byte more, so that one read also finds the end. A size of 0 says nothing: files
// in /proc/sys report it, and give their contents to the first read only.
std::size_t first_buffer(std::uint64_t size) noexcept {
  return size == 0 ? piece : static_cast<std::size_t>(std::min(size, most_believed)) + 1;
}

}  // namespace

task<std::string> read_file(std::filesystem::path path) {
  return read_file_at_most(std::move(path), std::numeric_limits<std::size_t>::max());
}

task<std::string> read_file_at_most(std::filesystem::path path, std::size_t most_bytes) {
  const std::size_t most_room = most_bytes + (most_bytes != std::numeric_limits<std::size_t>::max() ? 1 : 0);
  file from = co_await open_file(path);
  const std::uint64_t expected = co_await from.size();
  std::string text(std::min(first_buffer(expected), most_room), '\0');
  std::size_t size = 0;
  while (const std::size_t got = co_await from.read_some(std::span(text).subspan(size))) {
    size += got;
    if (size > most_bytes)
      error(std::make_error_code(std::errc::file_too_large), "read_file", path.string()).rethrow();
    // The string doubles its capacity. What is not used of it costs no memory, so it grows by one piece.
    if (size == text.size()) text.resize(std::min(size + piece, most_room));
  }
  text.resize(size);
  if (text.capacity() / 2 > size) text.shrink_to_fit();
  co_await from.close();
  co_return text;
}

task<void> write_file(std::filesystem::path path, readable_bytes bytes) {
  file to = co_await open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  co_await to.write_all(bytes);
  co_await to.close();
}

}  // namespace braid
