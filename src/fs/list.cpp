#include "braid/fs/list.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "braid/fs/file.hpp"
#include "braid/fs/status.hpp"
#include "braid/style/as_result.hpp"

namespace braid::fs {

namespace {

constexpr std::uint32_t buffer_bytes = 32 << 10;

struct read_directory_outcome {
  using value_type = std::size_t;
  static constexpr const char* name() noexcept { return "fs::list"; }
  result<std::size_t> operator()(std::int32_t ended, const request&) const noexcept {
    return static_cast<std::size_t>(ended);
  }
};
auto read_directory(const file& folder, void* to) noexcept {
  return io_sender<read_directory_outcome>{
      {.code = opcode::read_directory, .descriptor = folder.number(), .address = to, .length = buffer_bytes},
      {}};
}

std::filesystem::file_type type_of(unsigned char code) noexcept {
  using std::filesystem::file_type;
  switch (code) {
    case DT_REG: return file_type::regular;
    case DT_DIR: return file_type::directory;
    case DT_LNK: return file_type::symlink;
    case DT_BLK: return file_type::block;
    case DT_CHR: return file_type::character;
    case DT_FIFO: return file_type::fifo;
    case DT_SOCK: return file_type::socket;
    default: return file_type::unknown;
  }
}

// The record at `at`, which it moves behind that. The records are aligned for dirent64, but for its length.
entry take_record(const char*& at) {
  std::uint16_t length = 0;
  unsigned char code = 0;
  std::memcpy(&length, at + offsetof(dirent64, d_reclen), sizeof length);
  std::memcpy(&code, at + offsetof(dirent64, d_type), sizeof code);
  entry found{at + offsetof(dirent64, d_name), type_of(code)};
  at += length;
  return found;
}

}  // namespace

async_generator<entry> list(std::filesystem::path directory) {
  const file folder = co_await open_file(directory, O_RDONLY | O_DIRECTORY);
  const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_bytes);
  for (;;) {
    const std::size_t got = co_await read_directory(folder, buffer.get());
    if (got == 0) break;
    for (const char *at = buffer.get(), *const end = at + got; at != end;) {
      entry each = take_record(at);
      if (each.name == "." || each.name == "..") continue;
      if (each.type == std::filesystem::file_type::unknown) {
        auto asking = as_result(link_status(directory / each.name));
        const result<file_status> found = co_await std::move(asking);
        if (found == std::errc::no_such_file_or_directory) continue;  // it has vanished
        each.type = found.value().type;
      }
      co_yield std::move(each);
    }
  }
}

}  // namespace braid::fs
