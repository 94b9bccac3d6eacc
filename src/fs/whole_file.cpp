#include "braid/fs/whole_file.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "braid/fs/file.hpp"

namespace braid {

task<std::string> read_file(std::filesystem::path path) {
  file from = co_await open_file(path);
  const std::uint64_t expected = co_await from.size();
  std::string text(static_cast<std::size_t>(expected) + 1, '\0');  // room to see the end in the first read
  std::size_t size = 0;
  for (;;) {
    const std::size_t got = co_await from.read_some(std::span(text).subspan(size));
    if (got == 0) break;
    size += got;
    if (size == text.size()) text.resize(std::max<std::size_t>(2 * size, 4096));
  }
  text.resize(size);
  co_await from.close();
  co_return text;
}

task<void> write_file(std::filesystem::path path, readable_bytes bytes) {
  file to = co_await open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  co_await to.write_all(bytes);
  co_await to.close();
}

}  // namespace braid
