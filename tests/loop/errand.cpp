// Errands of a loop that may never end: a FIFO whose other end is never opened, a terminal that is never
// read.

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;

constexpr loop_options on_epoll{.backend = backend::epoll};

// A FIFO that no process has opened, beside a file that contains "text".
struct fifo_folder {
  fifo_folder() {
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    run(write_file(file, std::string("text")));
    before = braid_tests::open_descriptors();
  }
  // Opens the FIFO, so that abandoned threads go on, and waits until they have closed their descriptors.
  ~fifo_folder() {
    do ::close(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
    while (braid_tests::open_descriptors() != before);
  }
  const braid_tests::scratch_folder folder;
  const std::string fifo = folder / "fifo";
  const std::string file = folder / "file";
  decltype(braid_tests::open_descriptors()) before;
};

TEST_CASE("errand: a waiting open can be stopped", "[loop][errand][threads][stop]") {
  fifo_folder here;
  loop home(on_epoll);
  IN_EVERY_STYLE(style);
  SECTION("by a time-out") {
    for (int n = 0; n < 6; ++n)
      CHECK(style.wait(with_timeout(open_file(here.fifo), std::chrono::milliseconds(2))).error() ==
            std::errc::timed_out);
  }
  SECTION("by a stop request") {
    stop_source source;
    std::thread other([&] { source.request_stop(); });
    CHECK(style.wait(with_stop_token(open_file(here.fifo), source.get_token())).error() ==
          std::errc::operation_canceled);
    other.join();
  }
  CHECK(home.run(read_file(here.file)) == "text");
}

TEST_CASE("errand: unopened FIFOs delay neither other files nor the loop's end", "[loop][errand][threads]") {
  fifo_folder here;
  std::vector<std::errc> ends;
  {
    loop home(on_epoll);
    for (int n = 0; n < 10; ++n)
      start(open_file(here.fifo), [&](result<file> how) {
        if (how.error() == std::errc::operation_canceled) ends.push_back(std::errc::operation_canceled);
      });
    for (int n = 0; n < 5; ++n) CHECK(home.run(read_file(here.file)) == "text");
  }
  CHECK(ends.size() == 10);
}

TEST_CASE("errand: a waiting open completes once the other end opens", "[loop][errand][threads]") {
  fifo_folder here;
  loop home(on_epoll);
  std::optional<file> reader;
  start(open_file(here.fifo), [&](result<file> how) { reader.emplace(std::move(how).value()); });
  home.run(nop());
  file writer = home.run(open_file(here.fifo, O_WRONLY));
  home.run();
  REQUIRE(reader);
  home.run(writer.write_all(std::string("told")));
  std::string room(4, '?');
  home.run(reader->read_exactly(room));
  CHECK(room == "told");
  home.run(writer.close());
  home.run(reader->close());
}

// A pseudo-terminal with the usual settings; its descriptors block.
struct terminal {
  terminal() {
    REQUIRE(::openpty(&master, &slave, nullptr, nullptr, nullptr) == 0);
    termios raw{};
    ::tcgetattr(slave, &raw);
    ::cfmakeraw(&raw);
    ::tcsetattr(slave, TCSANOW, &raw);
  }
  ~terminal() { ::close(master); }
  int master = -1, slave = -1;
};

TEST_CASE("errand: a write to a full terminal can be stopped, and does not use its buffer afterwards",
          "[loop][errand][threads][stop]") {
  terminal here;
  std::string text(200'000, 'x');
  const bool loop_ends = GENERATE(false, true);
  std::optional<result<std::size_t>> ended;
  std::optional<file> to(file::from_descriptor(here.slave));
  stop_source source;
  {
    loop home(on_epoll);
    start(with_stop_token(to->write_some(text), source.get_token()),
          [&](result<std::size_t> how) { ended.emplace(std::move(how)); });
    pollfd full{here.master, POLLIN, 0};
    while (::poll(&full, 1, 0) == 0) home.turn(false);  // a thread is writing
    if (!loop_ends) {
      source.request_stop();
      home.run();
      CHECK(ended);
    }
  }
  REQUIRE(ended);
  REQUIRE(*ended);  // how much the terminal has accepted
  CHECK(**ended < text.size());
  text.assign(text.size(), 'y');
  to.reset();
  // Ends with EIO, since the terminal's side is closed.
  std::array<char, 4096> room;
  std::size_t seen = 0;
  bool only_x = true;
  for (ssize_t got; (got = ::read(here.master, room.data(), room.size())) > 0;
       seen += static_cast<std::size_t>(got))
    only_x &=
        std::string_view(room.data(), static_cast<std::size_t>(got)).find('y') == std::string_view::npos;
  CHECK(only_x);
  CHECK(seen == **ended);
}

}  // namespace
