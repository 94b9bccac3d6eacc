// A file's own position: after an error that cuts a transfer short, and with operations that begin before
// earlier ones have ended.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/nop.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"
#include "files.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

// A file in memory of a fixed size; writes beyond it fail with EPERM, even for root.
file limited_file(std::size_t size) {
  const int number = ::memfd_create("limited", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (number < 0 || ::ftruncate(number, static_cast<off_t>(size)) != 0 ||
      ::fcntl(number, F_ADD_SEALS, F_SEAL_GROW) != 0)
    throw std::system_error(errno, std::generic_category(), "memfd_create");
  return file::from_descriptor(number);
}

std::string contents_of(const file& from) {
  std::string text(1 << 20, '\0');
  const ssize_t got = ::pread(from.number(), text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

// A disk of 64 KiB, if this process may mount one.
class small_disk {
 public:
  small_disk() : mounted_(::mount("none", folder_.path().c_str(), "tmpfs", 0, "size=64k") == 0) {}
  ~small_disk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  [[nodiscard]] bool is_there() const noexcept { return mounted_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  scratch_folder folder_;
  const bool mounted_;
};

// Writes of this process beyond that size fail with EFBIG.
class file_size_limit {
 public:
  explicit file_size_limit(rlim_t size) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{size, before_.rlim_max};
    ::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~file_size_limit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, SIG_DFL);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;

 private:
  rlimit before_{};
};

// A file of which nothing is in the page cache.
file cold_file(const std::filesystem::path& path, const std::string& text, int flags = O_RDONLY) {
  const int number = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (::write(number, text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(number) != 0)
    throw std::system_error(errno, std::generic_category(), "write");
  ::posix_fadvise(number, 0, 0, POSIX_FADV_DONTNEED);
  ::close(number);
  return file::from_descriptor(::open(path.c_str(), flags | O_CLOEXEC));
}

}  // namespace

TEST_CASE("write_all: a write that is cut short fails, says how much was written, and leaves a prefix",
          "[fs][position]") {
  IN_EVERY_STYLE(style);
  const std::string text = numbered_text(100'000);
  loop here;
  const file to = limited_file(64 << 10);
  const auto ended = style.wait(to.write_all(text));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::operation_not_permitted);
  CHECK(ended.error().transferred() == 64 << 10);
  CHECK((contents_of(to) == text.substr(0, 64 << 10)));
  CHECK(position_of(to) == 64 << 10);
}

TEST_CASE("write_some: after a write that is cut short the next one gives the error", "[fs][position]") {
  IN_EVERY_STYLE(style);
  const std::string text = numbered_text(100'000);
  loop here;
  const file to = limited_file(64 << 10);
  const auto first = style.wait(to.write_some(text));
  REQUIRE(first);
  CHECK(*first == 64 << 10);
  CHECK(position_of(to) == 64 << 10);
  const auto second = style.wait(to.write_some(text));
  REQUIRE_FALSE(second);
  CHECK(second.error() == std::errc::operation_not_permitted);
  CHECK(second.error().transferred() == 0);
  CHECK((contents_of(to) == text.substr(0, 64 << 10)));
}

TEST_CASE("write_file, write_all: a full disk is an error; the file has the beginning of the text",
          "[fs][position]") {
  IN_EVERY_STYLE(style);
  const small_disk disk;
  if (!disk.is_there()) return;  // only root may mount it; limited_file tests the same without
  const std::string text = numbered_text(100'000);
  loop here;
  const auto ended = style.wait(write_file(disk / "one", text));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::no_space_on_device);
  CHECK(ended.error().transferred() == 64 << 10);
  const std::string got = style.wait(read_file(disk / "one")).value();
  CHECK((got == text.substr(0, 64 << 10)));
}

TEST_CASE("write_all: with O_APPEND a full disk is an error; the position is the file's end",
          "[fs][position]") {
  IN_EVERY_STYLE(style);
  const small_disk disk;
  if (!disk.is_there()) return;
  const std::string text = numbered_text(100'000);
  loop here;
  CHECK(style.wait(write_file(disk / "one", "first\n")));
  const file to = style.wait(open_file(disk / "one", O_RDWR | O_APPEND)).value();
  const auto ended = style.wait(to.write_all(text));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::no_space_on_device);
  CHECK(ended.error().transferred() == (64 << 10) - 6);
  CHECK(position_of(to) == 64 << 10);
  CHECK((contents_of(to) == "first\n" + text.substr(0, (64 << 10) - 6)));
}

TEST_CASE("write_all: exceeding the process's limit of file sizes is an error", "[fs][position]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const std::string text = numbered_text(100'000);
  loop here;
  const file to = style.wait(open_file(folder / "one", O_RDWR | O_CREAT)).value();
  const auto ended = [&] {
    const file_size_limit limit(50'000);
    return style.wait(to.write_all(text));
  }();
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::file_too_large);
  CHECK(ended.error().transferred() == 50'000);
  CHECK((contents_of(to) == text.substr(0, 50'000)));
}

TEST_CASE("file: uses a position that other code has changed", "[fs][position]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  loop here;
  const file both = style.wait(open_file(folder / "one", O_RDWR | O_CREAT)).value();
  CHECK(style.wait(both.write_all("0123456789")));
  ::lseek(both.number(), 4, SEEK_SET);
  std::string room(2, '?');
  CHECK(style.wait(both.read_exactly(room)));
  CHECK(room == "45");
  CHECK(::read(both.number(), room.data(), 2) == 2);
  CHECK(style.wait(both.read_some(room)).value() == 2);
  CHECK(room == "89");
  CHECK(style.wait(both.read_some(room)).value() == 0);
  CHECK(position_of(both) == 10);
}

TEST_CASE("file: simultaneous reads at the position get successive bytes", "[fs][position]") {
  const scratch_folder folder;
  std::string text;
  for (char each = 'a'; each <= 'p'; ++each) text += std::string(page, each);
  for (const int flags : {O_RDONLY, O_RDONLY | O_DIRECT}) {
    loop here;
    const file from = cold_file(folder / "cold", text, flags);
    if (!from.is_open()) continue;  // this file system has no O_DIRECT
    std::vector<aligned_page> rooms(16);
    std::vector<future<std::size_t>> reads;
    for (aligned_page& each : rooms) reads.push_back(spawn(from.read_some(each.bytes)));
    for (const std::size_t got : here.run(when_all(std::move(reads)))) CHECK(got == page);
    for (std::size_t n = 0; n < rooms.size(); ++n)
      CHECK((std::string(rooms[n].bytes, page) == text.substr(n * page, page)));
    CHECK(position_of(from) == static_cast<off_t>(text.size()));
  }
}

TEST_CASE("file: simultaneous writes at the position do not overlap", "[fs][position]") {
  const scratch_folder folder;
  for (const int flags : {0, O_DIRECT, O_APPEND, O_APPEND | O_DIRECT}) {
    loop here;
    const auto path = folder / ("out" + std::to_string(flags));
    const file to = file::from_descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | flags, 0666));
    if (!to.is_open()) continue;  // this file system has no O_DIRECT
    std::vector<aligned_page> pages(16);
    std::string expected;
    std::vector<future<std::size_t>> writes;
    for (std::size_t n = 0; n < pages.size(); ++n) {
      std::fill_n(pages[n].bytes, page, static_cast<char>('a' + n));
      expected += std::string(pages[n].bytes, page);
      writes.push_back(spawn(to.write_some(std::span(pages[n].bytes))));
    }
    for (const std::size_t put : here.run(when_all(std::move(writes)))) CHECK(put == page);
    CHECK((here.run(read_file(path)) == expected));
    CHECK(position_of(to) == static_cast<off_t>(expected.size()));
  }
}

TEST_CASE("file: write_all and read_exactly at one position do not interleave", "[fs][position]") {
  const scratch_folder folder;
  loop here;
  const file both = here.run(open_file(folder / "one", O_RDWR | O_CREAT));
  const std::string a(100'000, 'a'), b(100'000, 'b');
  std::string room(10, '?');
  here.run(both.write_all("0123456789"));
  ::lseek(both.number(), 0, SEEK_SET);
  auto read = spawn(both.read_exactly(room));
  auto write_a = spawn(both.write_all(a));
  auto write_b = spawn(both.write_all(b));
  here.run(when_all(std::move(read), std::move(write_a), std::move(write_b)));
  CHECK(room == "0123456789");
  CHECK((here.run(read_file(folder / "one")) == "0123456789" + a + b));
}

TEST_CASE("file: two writers of a full pipe do not interleave", "[fs][position]") {
  loop here;
  pipe_ends ends;
  const file writer = file::from_descriptor(ends.release_writer());
  const file reader = file::from_descriptor(ends.release_reader());
  const std::string a(200'000, 'a'), b(200'000, 'b');
  std::string got(400'000, '?');
  auto write_a = spawn(writer.write_all(a));
  auto write_b = spawn(writer.write_all(b));
  here.run(when_all(reader.read_exactly(got), std::move(write_a), std::move(write_b)));
  CHECK((got == a + b));
}

TEST_CASE("file: reads of a pipe complete in the order in which they began; a cancelled one is skipped",
          "[fs][position][stop]") {
  loop here;
  pipe_ends ends;
  const file reader = file::from_descriptor(ends.release_reader());
  std::string rooms[3] = {std::string(2, '?'), std::string(2, '?'), std::string(2, '?')};
  stop_source stop;
  auto first = spawn(reader.read_exactly(rooms[0]));
  auto second = spawn(with_stop_token(reader.read_exactly(rooms[1]), stop.get_token()));
  auto third = spawn(reader.read_exactly(rooms[2]));
  here.run(nop());
  stop.request_stop();
  CHECK(here.run(as_result(std::move(second))).error() == std::errc::operation_canceled);
  REQUIRE(::write(ends.writer(), "1", 1) == 1);
  while (readable_bytes_of(reader.number()) != 0) here.run(nop());
  REQUIRE(::write(ends.writer(), "122", 3) == 3);
  here.run(when_all(std::move(first), std::move(third)));
  CHECK(rooms[0] == "11");
  CHECK(rooms[1] == "??");
  CHECK(rooms[2] == "22");
}

TEST_CASE("file: on a descriptor without a position a read and a write do not wait for each other",
          "[fs][position]") {
  loop here;
  const scratch_folder folder;
  const auto path = folder / "fifo";
  REQUIRE(::mkfifo(path.c_str(), 0666) == 0);
  const file both = here.run(open_file(path, O_RDWR));
  std::string room(4, '?');
  auto read = spawn(both.read_exactly(room));
  here.run(both.write_all("word"));
  here.run(std::move(read));
  CHECK(room == "word");
}

TEST_CASE("file: cancelling the operation that has its turn begins the next one", "[fs][position][stop]") {
  loop here;
  pipe_ends ends;
  const file reader = file::from_descriptor(ends.release_reader());
  std::string rooms[2] = {std::string(2, '?'), std::string(2, '?')};
  stop_source stop;
  auto first = spawn(with_stop_token(reader.read_exactly(rooms[0]), stop.get_token()));
  auto second = spawn(reader.read_exactly(rooms[1]));
  REQUIRE(::write(ends.writer(), "a", 1) == 1);
  while (readable_bytes_of(reader.number()) != 0) here.run(nop());
  stop.request_stop();
  const auto ended = here.run(as_result(std::move(first)));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::operation_canceled);
  CHECK(ended.error().transferred() == 1);
  REQUIRE(::write(ends.writer(), "bc", 2) == 2);
  here.run(std::move(second));
  CHECK(rooms[1] == "bc");
}

TEST_CASE("file: close also cancels operations that wait for their turn", "[fs][position][stop]") {
  const auto before = open_descriptors();
  {
    loop here;
    pipe_ends ends;
    file reader = file::from_descriptor(ends.release_reader());
    std::vector<std::unique_ptr<std::string>> rooms;
    std::vector<future<std::size_t>> reads;
    for (int n = 0; n < 10; ++n) {
      rooms.push_back(std::make_unique<std::string>(8, '?'));
      reads.push_back(spawn(reader.read_some(*rooms.back())));
    }
    here.run(nop());
    here.run(reader.close());
    for (auto& each : reads) {
      REQUIRE(each.is_ready());
      CHECK(here.run(as_result(std::move(each))).error() == std::errc::operation_canceled);
    }
    CHECK(here.in_flight() == 0);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("file: the loop's end also cancels operations that wait for their turn", "[fs][position][stop]") {
  std::vector<error> ended;
  {
    pipe_ends ends;
    std::string rooms[3] = {std::string(8, '?'), std::string(8, '?'), std::string(8, '?')};
    loop here;
    const file reader = file::from_descriptor(ends.release_reader());
    for (std::string& each : rooms)
      start(reader.read_some(each), [&](result<std::size_t> end) { ended.push_back(end.error()); });
    here.run(nop());
  }
  REQUIRE(ended.size() == 3);
  for (const error& each : ended) CHECK(each == std::errc::operation_canceled);
}

TEST_CASE("file: reads many descriptors at once, each in its order", "[fs][position]") {
  loop here;
  struct one {
    pipe_ends ends;
    file reader = file::from_descriptor(ends.release_reader());
    std::string rooms[2] = {"?", "?"};
  };
  std::vector<std::unique_ptr<one>> all;
  std::vector<future<void>> reads;
  for (int n = 0; n < 100; ++n) {
    one& made = *all.emplace_back(std::make_unique<one>());
    for (std::string& each : made.rooms) reads.push_back(spawn(made.reader.read_exactly(each)));
  }
  here.run(nop());
  for (const auto& each : all) REQUIRE(::write(each->ends.writer(), "ab", 2) == 2);
  here.run(when_all(std::move(reads)));
  for (const auto& each : all) {
    CHECK(each->rooms[0] == "a");
    CHECK(each->rooms[1] == "b");
  }
}
