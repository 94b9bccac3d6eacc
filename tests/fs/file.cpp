#include "braid/fs/file.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "braid/fs/whole_file.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

file opened(const any_style& style, const std::filesystem::path& path, int flags = O_RDWR | O_CREAT) {
  return style.wait(open_file(path, flags)).value();
}

}  // namespace

TEST_CASE("file: reads back what it wrote, at the position and at an offset", "[fs][file]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  file both = opened(style, folder / "both");
  CHECK(style.wait(both.write_some("hello ")).value() == 6);
  CHECK(style.wait(both.write_all(std::string("world"))));
  CHECK(style.wait(both.write_at(0, std::string_view("J"))).value() == 1);
  CHECK(style.wait(both.size()).value() == 11);

  std::string room(5, '?');
  CHECK(style.wait(both.read_at(6, room)).value() == 5);
  CHECK(room == "world");
  CHECK(style.wait(both.read_some(room)).value() == 0);  // the position is at the end

  file again = opened(style, folder / "both", O_RDONLY);
  std::array<std::byte, 11> bytes{};
  CHECK(style.wait(again.read_exactly(bytes)));
  CHECK(static_cast<char>(bytes[0]) == 'J');
  CHECK(static_cast<char>(bytes[10]) == 'd');
}

TEST_CASE("file: sync, datasync, truncate and size work", "[fs][file]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  file one = opened(style, folder / "one");
  CHECK(style.wait(one.write_all("0123456789")));
  CHECK(style.wait(one.sync()));
  CHECK(style.wait(one.datasync()));
  CHECK(style.wait(one.truncate(4)));
  CHECK(style.wait(one.size()).value() == 4);
  CHECK(style.wait(one.truncate(1000)));
  CHECK(style.wait(one.size()).value() == 1000);
}

TEST_CASE("file: try_lock gives the lock to one open file at a time", "[fs][file]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  file first = opened(style, folder / "door");
  const file second = opened(style, folder / "door");
  CHECK(style.wait(first.try_lock()).value());
  CHECK_FALSE(style.wait(second.try_lock()).value());
  CHECK(style.wait(first.try_lock()).value());  // it has the lock
  CHECK(style.wait(first.close()));
  CHECK(style.wait(second.try_lock()).value());
  CHECK(style.wait(first.try_lock()).error() == std::errc::bad_file_descriptor);
}

TEST_CASE("file: close frees the descriptor's number and leaves the file closed", "[fs][file]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto before = open_descriptors();
  {
    loop here;
    const auto with_loop = open_descriptors();
    file one = opened(style, folder / "one");
    CHECK(open_descriptors() == with_loop + 1);
    CHECK(one.is_open());
    CHECK(style.wait(one.close()));
    CHECK_FALSE(one.is_open());
    CHECK(open_descriptors() == with_loop);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("file: the destructor closes the file, and so does dropping a close that was never started",
          "[fs][file]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto before = open_descriptors();
  { const file dropped = opened(style, folder / "one"); }
  {
    file one = opened(style, folder / "one");
    const auto never_started = one.close();
    CHECK_FALSE(one.is_open());
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("file: offsets beyond 4 GiB work", "[fs][file]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  file sparse = opened(style, folder / "sparse");
  const std::uint64_t far = (std::uint64_t{5} << 30) + 3;
  CHECK(style.wait(sparse.write_at(far, std::string("far"))).value() == 3);
  CHECK(style.wait(sparse.size()).value() == far + 3);
  std::string room(8, '?');
  CHECK(style.wait(sparse.read_at(far, room)).value() == 3);
  CHECK(room.substr(0, 3) == "far");
  CHECK(style.wait(sparse.read_at((std::uint64_t{1} << 32) + 1, room)).value() == 8);
  CHECK(room == std::string(8, '\0'));
}

TEST_CASE("file: reads and writes of no bytes do nothing and succeed", "[fs][file]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  file one = opened(style, folder / "one");
  CHECK(style.wait(one.write_all("x")));
  std::string none;
  CHECK(style.wait(one.read_some(none)).value() == 0);
  CHECK(style.wait(one.read_at(0, none)).value() == 0);
  CHECK(style.wait(one.read_exactly(none)));
  CHECK(style.wait(one.write_some("")).value() == 0);
  CHECK(style.wait(one.write_at(0, "")).value() == 0);
  CHECK(style.wait(one.write_all("")));
  CHECK(style.wait(one.size()).value() == 1);
}

TEST_CASE("file: write_all and read_exactly continue after short transfers", "[fs][file]") {
  IN_EVERY_STYLE(style);
  // Four times what a pipe holds: one request is not enough at either end.
  const std::size_t size = 256 << 10;
  std::string sent(size, '\0');
  for (std::size_t i = 0; i < size; ++i) sent[i] = static_cast<char>(i * 7 >> 3);
  std::string got(size, '\0');

  loop here;
  pipe_ends ends;
  file writer = file::from_descriptor(ends.release_writer());
  const file reader = file::from_descriptor(ends.release_reader());
  auto writing = spawn([&]() -> task<void> {
    co_await writer.write_all(sent);
    co_await writer.close();
  });
  CHECK(style.wait(reader.read_exactly(got)));
  CHECK((got == sent));
  CHECK(style.wait(reader.read_some(got)).value() == 0);
  CHECK(style.wait(std::move(writing)));
}

TEST_CASE("file: waits on a descriptor with O_NONBLOCK", "[fs][file]") {
  IN_EVERY_STYLE(style);
  loop here;
  pipe_ends ends(O_NONBLOCK);
  const file reader = file::from_descriptor(ends.release_reader());
  file writer = file::from_descriptor(ends.release_writer());
  auto later = spawn([&]() -> task<void> {
    co_await nop();
    co_await writer.write_all("now");
  });
  std::string room(8, '?');
  CHECK(style.wait(reader.read_some(room)).value() == 3);
  CHECK(style.wait(std::move(later)));
}

TEST_CASE("file: close cancels the operations in flight, waits for them, then frees the number",
          "[fs][file][stop]") {
  loop here;
  pipe_ends ends;
  file reader = file::from_descriptor(ends.release_reader());
  auto room = std::make_unique<std::string>(64, '?');
  auto reading = spawn(reader.read_some(*room));
  here.run(nop());
  CHECK_FALSE(reading.is_ready());
  here.run(reader.close());
  REQUIRE(reading.is_ready());
  room.reset();
  CHECK(here.run(as_result(std::move(reading))).error() == std::errc::operation_canceled);
}

TEST_CASE("file: a read in flight never reads from the next file with the same number", "[fs][file][stop]") {
  loop here;
  std::string room(64, '?');
  pipe_ends first;
  auto dropped = std::make_unique<file>(file::from_descriptor(first.release_reader()));
  const int number = dropped->number();
  auto reading = spawn(dropped->read_some(room));
  here.run(nop());
  dropped.reset();

  // The number is not free before the read has ended, so a new descriptor gets another one.
  pipe_ends second;
  CHECK(second.reader() != number);
  REQUIRE(::write(second.writer(), "not for the first", 17) == 17);
  CHECK(here.run(as_result(std::move(reading))).error() == std::errc::operation_canceled);
  here.run();
  CHECK(room == std::string(64, '?'));
  pipe_ends third;
  CHECK((third.reader() == number || third.writer() == number));
}

TEST_CASE("file: after the loop's end the kernel holds no read, sleep or write", "[fs][file][stop]") {
  const auto before = open_descriptors();
  std::vector<error> ended;
  {
    pipe_ends ends;
    auto room = std::make_unique<std::string>(4096, '?');
    {
      loop here;
      const file reader = file::from_descriptor(::dup(ends.reader()));
      start(reader.read_some(*room), [&](result<std::size_t> end) { ended.push_back(end.error()); });
      here.run(nop());
    }
    room.reset();
    REQUIRE(::write(ends.writer(), "late", 4) == 4);
  }
  REQUIRE(ended.size() == 1);
  CHECK(ended[0] == std::errc::operation_canceled);
  CHECK(open_descriptors() == before);
}
