#include "log_sync.hpp"

#include <fcntl.h>

namespace braid::messaging::detail {

task<> write_exactly_at(const file& to, std::uint64_t offset, std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done != bytes.size()) done += co_await to.write_at(offset + done, bytes.subspan(done));
}

task<> sync_file(const file& which, bool with_metadata) {
  if (with_metadata)
    co_await which.sync();
  else
    co_await which.datasync();
}

task<> sync_directory(std::filesystem::path directory) {
  file opened = co_await open_file(directory, O_RDONLY | O_DIRECTORY);
  co_await opened.sync();
  co_await opened.close();
}

}  // namespace braid::messaging::detail
