// Reads that the page cache can answer, on io_uring without a request and on epoll without a thread.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/detail/cache_history.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "files.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

constexpr std::size_t whole = 100'003;  // no multiple of a page

file written(loop& home, const std::filesystem::path& path, const std::string& text) {
  home.run(write_file(path, text));
  return home.run(open_file(path));
}

// Takes the file out of the page cache; false where the file system is the page cache.
bool drop_cached(int descriptor) {
  return ::fdatasync(descriptor) == 0 && ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0;
}

}  // namespace

TEST_CASE("cached read: takes one system call more than a turn that does nothing", "[fs][cached]") {
  const scratch_folder folder;
  loop home;
  const std::string text = numbered_text(page);
  const file one = written(home, folder / "one", text);
  std::string room(page, '?');
  CHECK(home.run(one.read_at(0, room)) == page);
  const std::size_t before = home.system_calls();
  for (int n = 0; n < 10; ++n) CHECK(home.run(one.read_at(0, room)) == page);
  CHECK(room == text);
  CHECK(home.system_calls() - before <= 20);
  const std::size_t then = home.system_calls();
  CHECK(home.run(one.read_some(room)) == page);
  CHECK(home.system_calls() - then <= 2);
  CHECK(position_of(one) == static_cast<off_t>(page));
}

TEST_CASE("cached read: reads at the position give the file in order, then its end", "[fs][cached]") {
  const scratch_folder folder;
  loop home;
  const std::string text = numbered_text(whole);
  const file one = written(home, folder / "one", text);
  std::string all;
  std::string room(4000, '?');
  while (const std::size_t got = home.run(one.read_some(room))) all.append(room, 0, got);
  CHECK(all == text);
  CHECK(home.run(one.read_some(room)) == 0);
  CHECK(home.run(one.read_at(whole, room)) == 0);
  CHECK(home.run(one.read_at(whole - 3, room)) == 3);
}

TEST_CASE("cached read: several at once keep their order and share nothing", "[fs][cached]") {
  const scratch_folder folder;
  loop home;
  const std::string text = numbered_text(whole);
  const file one = written(home, folder / "one", text);
  std::vector<std::string> rooms(20, std::string(5000, '?'));
  std::vector<future<void>> reads;
  for (std::string& room : rooms) reads.push_back(spawn(one.read_exactly(room)));
  home.run(when_all(std::move(reads)));
  std::string all;
  for (const std::string& room : rooms) all += room;
  CHECK(all == text.substr(0, all.size()));
}

TEST_CASE("cached read: read_exactly that meets the end says how much there was", "[fs][cached]") {
  const scratch_folder folder;
  loop home;
  const file one = written(home, folder / "one", numbered_text(100));
  std::string room(150, '?');
  const auto ended = home.run(as_result(one.read_exactly(room)));
  REQUIRE(ended == errc::end_of_stream);
  CHECK(ended.error().transferred() == 100);
  CHECK(position_of(one) == 100);
}

TEST_CASE("cached read: what is not cached, or only in part, is read whole", "[fs][cached]") {
  const scratch_folder folder;
  loop home;
  const std::string text = numbered_text(whole);
  const file one = written(home, folder / "one", text);
  REQUIRE(drop_cached(one.number()));
  std::string room(20'000, '?');
  std::size_t got = 0;
  while (got < room.size()) {  // on epoll the cached part may come first
    const std::size_t more = home.run(one.read_at(got, std::span(room).subspan(got)));
    REQUIRE(more > 0);
    got += more;
  }
  CHECK(room == text.substr(0, room.size()));

  REQUIRE(drop_cached(one.number()));
  REQUIRE(::posix_fadvise(one.number(), 0, 0, POSIX_FADV_RANDOM) == 0);
  char first = 0;
  REQUIRE(::pread(one.number(), &first, 1, 0) == 1);  // one page is cached
  std::ranges::fill(room, '?');
  REQUIRE(home.run(one.read_at(0, room)) >= page);
  home.run(one.read_exactly(room));
  CHECK(room == text.substr(0, room.size()));
  CHECK(position_of(one) == static_cast<off_t>(room.size()));
}

TEST_CASE("cached read: a stop that comes too late leaves the bytes and the position alone", "[fs][cached]") {
  const scratch_folder folder;
  loop home;
  const std::string text = numbered_text(whole);
  const file one = written(home, folder / "one", text);
  std::string room(1000, '?');
  future<std::size_t> reads = spawn(one.read_some(room));
  reads.request_stop();
  const result<std::size_t> ended = home.run(as_result(std::move(reads)));
  if (ended) {
    CHECK(room == text.substr(0, *ended));
    CHECK(position_of(one) == static_cast<off_t>(*ended));
  } else {
    CHECK(ended == std::errc::operation_canceled);
    CHECK(position_of(one) == 0);
  }
}

TEST_CASE("cached read: a directory and a closed file fail as they do without a cache", "[fs][cached]") {
  loop home;
  std::string room(10, '?');
  const file folder = home.run(open_file("/"));
  CHECK(home.run(as_result(folder.read_at(0, room))) == std::errc::is_a_directory);
  CHECK(home.run(as_result(folder.read_some(room))) == std::errc::is_a_directory);
  CHECK(home.run(as_result(file().read_at(0, room))) == std::errc::bad_file_descriptor);
}

TEST_CASE("cache_history: misses in a row put off the next question, a hit ends that", "[fs][cached]") {
  braid::detail::cache_history history;
  const auto skipped = [&](int descriptor) {
    int reads = 0;
    while (!history.worth_asking(descriptor)) ++reads;
    return reads;
  };
  CHECK(skipped(7) == 0);
  for (const int expected : {1, 3, 7, 15, 31, 63, 63}) {
    history.note(7, false);
    CHECK(skipped(7) == expected);
  }
  CHECK(skipped(8) == 0);
  history.note(7, true);
  CHECK(skipped(7) == 0);
  history.note(7, false);
  CHECK(skipped(7) == 1);
}
