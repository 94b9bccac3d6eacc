#include <fcntl.h>
#include <poll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "path_requests.hpp"
#include "scratch_folder.hpp"

// Compares the simulated disk with the kernel's: both run the same random program and must give the same
// answers.

namespace {

using namespace braid;
using namespace braid_tests;

struct plain_outcome {
  using value_type = std::int32_t;
  static constexpr const char* name() noexcept { return "plain_request"; }
  result<std::int32_t> operator()(std::int32_t ended, const request&) const noexcept { return ended; }
};

class drawn_program {
 public:
  drawn_program(std::string root, std::uint64_t seed) : root_(std::move(root)), draws_(seed) {}

  // Returns a log of the steps and their results.
  task<std::vector<std::string>> run(std::size_t steps) {
    for (std::size_t i = 0; i != steps; ++i) {
      switch (among(16)) {
        case 0:
        case 1:
        case 2: co_await open(); break;
        case 3: co_await close(); break;
        case 4:
        case 5: co_await read(); break;
        case 6:
        case 7: co_await write(); break;
        case 8: co_await truncate_or_sync(); break;
        case 9:
        case 10: co_await rename(); break;
        case 11: co_await remove(); break;
        case 12: co_await make(); break;
        case 13: co_await status(); break;
        case 14: co_await whole_file(); break;
        case 15: co_await plain(); break;
      }
    }
    for (file& each : files_)
      if (each.is_open()) co_await each.close();
    co_return std::move(log_);
  }

 private:
  std::size_t among(std::size_t n) { return static_cast<std::size_t>(draws_() % n); }
  bool one_in(std::size_t n) { return among(n) == 0; }

  // A path below the root, sometimes an odd one. There are few names, so that paths meet.
  std::string path() {
    static const std::array<std::string, 4> names{"a", "b", "c", "d"};
    std::string made = names[among(names.size())];
    while (one_in(2)) made += "/" + names[among(names.size())];
    switch (among(24)) {
      case 0: made += "/"; break;
      case 1: made += "/."; break;
      case 2: made += "/.."; break;
      case 3: made = "./" + made; break;
      case 4: made += "//" + names[among(names.size())]; break;
      case 5: made += "/../" + names[among(names.size())]; break;
      case 6: made += "/" + std::string(255 + among(2), 'n'); break;
      case 7:
        if (one_in(4)) made += std::string(5000, '/');
        break;
      case 8:
        if (one_in(4)) return "";
        break;
      case 9:
        if (one_in(4)) return root_ + "/";
        break;
      default: break;
    }
    return root_ + "/" + made;
  }

  void begin(std::string what) { log_.push_back(std::to_string(log_.size()) + " " + std::move(what)); }
  void say(const std::string& what) { log_.back() += " " + what; }
  std::string shown(const std::string& path) const {
    std::string text = path.starts_with(root_) ? path.substr(root_.size()) : path;
    if (text.size() > 300) text = text.substr(0, 20) + "… of " + std::to_string(text.size());
    return "'" + text + "'";
  }
  template <class T>
  bool say_failure(const result<T>& ended) {
    if (ended) return false;
    say("-> " + ended.error().code().message());
    return true;
  }
  file& some_file() { return files_[among(files_.size())]; }

  task<void> open() {
    const std::size_t slot = among(files_.size());
    const std::string at = path();
    int flags = std::array{O_RDONLY, O_WRONLY, O_RDWR, O_RDWR}[among(4)];
    if (one_in(2)) flags |= O_CREAT;
    if (one_in(6)) flags |= O_EXCL;
    if (one_in(5)) flags |= O_TRUNC;
    if (one_in(4)) flags |= O_APPEND;
    if (one_in(8)) flags |= O_DIRECTORY;
    if (one_in(12)) flags |= O_PATH;
    if (one_in(40)) flags |= O_DSYNC;
    if ((flags & O_CREAT) == 0) flags &= ~O_EXCL;  // the combination is undefined
    if ((flags & O_CREAT) != 0) flags &= ~O_DIRECTORY;  // Linux 6.4 changed the meaning
    begin("open " + std::to_string(slot) + " " + shown(at) + " " + std::to_string(flags));
    auto opened = co_await as_result(open_file(at, flags));
    if (say_failure(opened)) co_return;
    files_[slot] = std::move(*opened);
    say("-> opened");
  }

  task<void> close() {
    begin("close");
    const auto closed = co_await as_result(some_file().close());
    say_failure(closed);
  }

  task<void> read() {
    const file& from = some_file();
    std::string room(among(3000), '?');
    const bool positioned = one_in(2);
    const std::uint64_t offset = among(6000);
    begin("read " + std::to_string(room.size()) + (positioned ? " at " + std::to_string(offset) : ""));
    result<std::size_t> got;
    if (positioned)
      got = co_await as_result(from.read_at(offset, room));
    else
      got = co_await as_result(from.read_some(room));
    if (say_failure(got)) co_return;
    say("-> " + std::to_string(*got) + " '" + room.substr(0, *got) + "'");
  }

  task<void> write() {
    const file& to = some_file();
    const std::string bytes(among(2500), static_cast<char>('a' + among(26)));
    const bool positioned = one_in(2);
    const std::uint64_t offset = one_in(20) ? 5'000'000 : among(6000);
    begin("write " + std::to_string(bytes.size()) + (positioned ? " at " + std::to_string(offset) : ""));
    result<std::size_t> done;
    if (positioned)
      done = co_await as_result(to.write_at(offset, bytes));
    else
      done = co_await as_result(to.write_some(bytes));
    if (!say_failure(done)) say("-> " + std::to_string(*done));
  }

  task<void> truncate_or_sync() {
    const file& which = some_file();
    const std::size_t what = among(8);
    const std::uint64_t size = one_in(8) ? ~std::uint64_t{0} - 7 : among(8000);
    begin(what == 0 ? "sync" : what == 1 ? "datasync" : "truncate to " + std::to_string(size));
    result<void> ended;
    if (what == 0)
      ended = co_await as_result(which.sync());
    else if (what == 1)
      ended = co_await as_result(which.datasync());
    else
      ended = co_await as_result(which.truncate(size));
    if (!say_failure(ended)) say("-> done");
  }

  task<void> request_on_path(path_request op) {
    const auto ended = co_await as_result(std::move(op));
    if (!say_failure(ended)) say("-> " + std::to_string(ended->ended));
  }
  task<void> rename() {
    const std::string from = path(), to = path();
    begin("rename " + shown(from) + " " + shown(to));
    auto op = rename_path(from, to);
    co_await request_on_path(std::move(op));
  }
  task<void> remove() {
    const std::string at = path();
    const bool directory = one_in(2);
    begin((directory ? "remove directory " : "remove ") + shown(at));
    auto op = remove_path(at, directory);
    co_await request_on_path(std::move(op));
  }
  task<void> make() {
    const std::string at = path();
    begin("make " + shown(at));
    auto op = make_directory(at);
    co_await request_on_path(std::move(op));
  }

  // The status of a path or of an open file.
  task<void> status() {
    const bool by_path = one_in(2);
    const std::string at = by_path ? path() : "";
    const int descriptor = by_path ? AT_FDCWD : some_file().number();
    begin("status " + shown(at) + (by_path ? "" : " of an open one"));
    if (descriptor == -1 || (by_path && at.empty())) co_return;
    auto op = status_of(at, descriptor);
    const auto found = co_await as_result(std::move(op));
    if (say_failure(found)) co_return;
    const struct statx& its = found->status;
    say(S_ISDIR(its.stx_mode)
            ? "-> directory"
            : "-> file " + std::to_string(its.stx_size) + " links " + std::to_string(its.stx_nlink));
  }

  task<void> whole_file() {
    const std::string at = path();
    if (one_in(2)) {
      begin("write_file " + shown(at));
      const std::string bytes(among(9000), static_cast<char>('A' + among(26)));
      const auto written = co_await as_result(write_file(at, bytes));
      say_failure(written);
    } else {
      begin("read_file " + shown(at));
      const auto text = co_await as_result(read_file(at));
      if (!say_failure(text)) say("-> '" + *text + "'");
    }
  }

  // Requests that make no sense for files.
  task<void> plain() {
    const int descriptor = some_file().number();
    std::array<char, 4> bytes{};
    request what{.descriptor = descriptor, .address = bytes.data(), .length = bytes.size()};
    switch (among(6)) {
      case 0: what.code = opcode::send; break;
      case 1: what.code = opcode::receive; break;
      case 2: what = {.code = opcode::accept, .descriptor = descriptor}; break;
      case 3: what = {.code = opcode::shutdown, .descriptor = descriptor, .length = 2}; break;
      case 4: what = {.code = opcode::poll, .descriptor = descriptor, .flags = POLLIN | POLLPRI}; break;
      case 5: what = {.code = opcode::poll, .descriptor = descriptor, .flags = POLLOUT | POLLIN}; break;
    }
    begin(std::string(name_of(what.code)));
    const auto ended = co_await as_result(io_sender<plain_outcome>{what, {}});
    if (!say_failure(ended)) say("-> " + std::to_string(*ended));
  }

  const std::string root_;
  std::mt19937_64 draws_;
  std::array<file, 4> files_;
  std::vector<std::string> log_;
};

constexpr std::size_t seeds = 100, steps = 150;

std::vector<std::string> run_in_kernel(std::uint64_t seed) {
  const scratch_folder folder;
  loop real;
  drawn_program program(folder / "", seed);
  return real.run(program.run(steps));
}
std::vector<std::string> run_in_world(std::uint64_t seed) {
  sim::world simulated(seed);
  sim::host& at = simulated.add_host("simulated");
  at.put("/scratch/x/unused", "");
  drawn_program program("/scratch/x", seed);
  auto unused = remove_path("/scratch/x/unused");
  simulated.run(std::move(unused));
  return simulated.run(program.run(steps));
}

}  // namespace

TEST_CASE("sim::disk: random programs get the same answers as from the kernel's files", "[sim][disk]") {
  std::size_t alike = 0;
  for (std::uint64_t seed = 0; seed != seeds; ++seed) {
    CAPTURE(seed);
    const auto kernel = run_in_kernel(seed), world = run_in_world(seed);
    REQUIRE(kernel.size() == world.size());
    for (std::size_t i = 0; i != kernel.size(); ++i) REQUIRE(world[i] == kernel[i]);
    alike += kernel.size();
  }
  CHECK(alike == seeds * steps);
}
