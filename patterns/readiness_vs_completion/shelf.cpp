#include "shelf.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <string>
#include <system_error>

#include <braid/base/error.hpp>

using namespace braid;

namespace readiness_vs_completion {
namespace {

int open_or_throw(const std::filesystem::path& path, int flags) {
  const int number = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (number < 0) throw std::system_error(errno, std::generic_category(), "open " + path.native());
  return number;
}

}  // namespace

piece piece_of(unsigned number) {
  piece made;
  const std::string text = std::to_string(number) + ' ';
  for (std::size_t i = 0; i < made.size(); ++i) made[i] = text[i % text.size()];
  return made;
}

void shelf::make(const std::filesystem::path& path, unsigned pieces) {
  const braid::file made = file::from_descriptor(open_or_throw(path, O_WRONLY | O_CREAT | O_TRUNC));
  for (unsigned number = 0; number < pieces; ++number) {
    const piece next = piece_of(number);
    if (::write(made.number(), next.data(), next.size()) != static_cast<ssize_t>(next.size()))
      throw std::system_error(errno, std::generic_category(), "write " + path.native());
  }
  if (::fsync(made.number()) != 0)  // only what is on the disk can be dropped from the cache
    throw std::system_error(errno, std::generic_category(), "fsync " + path.native());
}

shelf::shelf(const std::filesystem::path& path)
    : file_(file::from_descriptor(open_or_throw(path, O_RDONLY))) {
  ::posix_fadvise(file_.number(), 0, 0, POSIX_FADV_RANDOM);  // reading a piece must not warm others
}

task<> shelf::read(unsigned number, piece& room) const {
  std::uint64_t offset = std::uint64_t{number} * room.size();
  for (std::span<char> left = room; !left.empty();) {
    const std::size_t got = co_await file_.read_at(offset, left);
    if (got == 0) throw std::system_error(make_error_code(errc::end_of_stream), "shelf::read");
    left = left.subspan(got);
    offset += got;
  }
}

void shelf::cool() const noexcept { ::posix_fadvise(file_.number(), 0, 0, POSIX_FADV_DONTNEED); }

}  // namespace readiness_vs_completion
