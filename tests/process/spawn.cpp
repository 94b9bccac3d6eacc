#include "braid/process/spawn.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/process/run.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "sanitized.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

std::vector<std::string> shell(std::string script) { return {"sh", "-c", std::move(script)}; }

std::vector<std::string> sleeping() { return {"sleep", "1000"}; }
std::vector<std::string> cat() { return {"cat"}; }

task<std::string> all_of(file& from) {
  std::string text, part(4096, '?');
  for (;;) {
    const std::size_t got = co_await from.read_some(part);
    if (got == 0) break;
    text += part.substr(0, got);
  }
  co_return text;
}

// What the script writes to its standard output.
task<std::string> output_of(std::string script, process::spawn_options how = {}) {
  how.output = process::pipe;
  process::child one = co_await process::spawn(shell(std::move(script)), std::move(how));
  std::string text = co_await all_of(one.output());
  const process::exit_status ended = co_await one.wait();
  if (!ended.is_success()) throw std::runtime_error("the script failed");
  co_return text;
}

bool is_alive(pid_t which) { return ::kill(which, 0) == 0; }

// There is no child, not even a zombie.
bool has_no_children() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

}  // namespace

TEST_CASE("process: runs a program, and says how it ended", "[process][spawn]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    CHECK(style.wait(process::run(shell("exit 0"))).value() == process::exit_status{});
    CHECK(style.wait(process::run(shell("exit 3"))).value() == process::exit_status{.code = 3});
    CHECK(style.wait(process::run(shell("kill -9 $$"))).value() == process::exit_status{.signal = SIGKILL});
  }
  CHECK(open_descriptors() == before);
  CHECK(has_no_children());
}

TEST_CASE("process: its streams are pipes", "[process][spawn]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    const auto program = []() -> task<> {
      process::spawn_options how;
      how.input = how.output = how.error = process::pipe;
      process::child one = co_await process::spawn(shell("cat; echo wrong >&2"), std::move(how));
      const std::string much(300'000, 'x');  // more than a pipe holds
      const auto feed = [&]() -> task<> {
        co_await one.input().write_all(much);
        co_await one.input().close();
      };
      auto both = when_all(feed, all_of(one.output()), all_of(one.error()));
      const auto [none, output, errors] = co_await std::move(both);
      CHECK((output == much));
      CHECK(errors == "wrong\n");
      const process::exit_status ended = co_await one.wait();
      CHECK(ended.is_success());
    };
    CHECK(style.wait(program));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("process: its streams are files, each other, or nothing", "[process][spawn]") {
  loop here;
  const scratch_folder folder;
  const auto contents = [&](const char* name) {
    std::ifstream from(folder / name);
    return std::string(std::istreambuf_iterator<char>(from), {});
  };
  const auto program = [&]() -> task<> {
    std::ofstream(folder / "in") << "from a file";
    const file in = co_await open_file(folder / "in");
    const file out = co_await open_file(folder / "out", O_WRONLY | O_CREAT);
    process::spawn_options how;
    how.input = in;
    how.output = out;
    how.error = process::to_output;
    const process::exit_status first = co_await process::run(shell("cat; echo wrong >&2"), std::move(how));
    CHECK(first.is_success());
    process::spawn_options nothing;
    nothing.input = nothing.output = nothing.error = process::null;
    const process::exit_status second =
        co_await process::run(shell("cat && echo x && echo y >&2"), std::move(nothing));
    CHECK(second.is_success());
  };
  here.run(program);
  CHECK(contents("out") == "from a filewrong\n");
}

TEST_CASE("process: standard streams may be swapped", "[process][spawn]") {
  if (BRAID_TSAN != 0) return;  // ThreadSanitizer knows no threads of a forked child
  const auto ended = in_child([] {
    loop here;
    const auto program = []() -> task<> {
      file one = file::from_descriptor(1), two = file::from_descriptor(2);
      process::spawn_options how;
      how.output = two;
      how.error = one;
      (void)co_await process::run(shell("echo out; echo err >&2"), std::move(how));
      (void)one.release();
      (void)two.release();
    };
    here.run(program);
  });
  CHECK(ended.output == "err\n");
  CHECK(ended.errors == "out\n");
}

TEST_CASE("process: has the directory, the environment, the signals and no descriptor but its streams",
          "[process][spawn]") {
  loop here;
  const scratch_folder folder;
  process::spawn_options there;
  there.directory = folder.path();
  CHECK(here.run(output_of("pwd -P", std::move(there))) ==
        std::filesystem::canonical(folder.path()).string() + "\n");
  process::spawn_options with;
  with.environment = {"ONLY=this", "PATH=/usr/bin:/bin"};
  CHECK(here.run(output_of("echo $ONLY; echo $HOME", std::move(with))) == "this\n\n");
  const int leaks = ::open("/dev/null", O_RDONLY);  // without close-on-exec
  CHECK(here.run(output_of("ls /proc/self/fd | wc -l")) == "4\n");  // with the one on the folder itself
  ::close(leaks);
  // The threads of the pool block nearly all signals; the process does not.
  CHECK(here.run(output_of("grep SigBlk /proc/self/status")) == "SigBlk:\t0000000000000000\n");
  ::signal(SIGUSR1, SIG_IGN);
  CHECK(here.run(process::run(shell("kill -USR1 $$"))) == process::exit_status{.signal = SIGUSR1});
  ::signal(SIGUSR1, SIG_DFL);
}

TEST_CASE("process: a program that cannot be started is an error with its name", "[process][spawn]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  const auto message = [&](std::vector<std::string> arguments, process::spawn_options how = {}) {
    how.input = how.output = how.error = process::pipe;
    const auto ended = style.wait(process::spawn(std::move(arguments), std::move(how)));
    REQUIRE_FALSE(ended);
    return ended.error().message();
  };
  CHECK(message({"/no/such/program"}) == "process::spawn /no/such/program: No such file or directory");
  CHECK(message({"no-such-program"}) == "process::spawn no-such-program: No such file or directory");
  CHECK(message({"/etc/passwd"}) == "process::spawn /etc/passwd: Permission denied");
  CHECK(message({"/tmp"}) == "process::spawn /tmp: Permission denied");
  process::spawn_options nowhere;
  nowhere.directory = "/no/such/folder";
  CHECK(message({"sh"}, nowhere) == "process::spawn sh in /no/such/folder: No such file or directory");
  CHECK(message({}) == "process::spawn without arguments: Invalid argument");
  CHECK(message({std::string("a\0b", 3)}) ==
        "process::spawn a (a zero byte in an argument, the environment or the directory): Invalid argument");
  process::spawn_options mixed_up;
  mixed_up.input = process::to_output;
  CHECK(style.wait(process::spawn({"true"}, mixed_up)).error().message() ==
        "process::spawn true (to_output is for the standard error): Invalid argument");
  CHECK(open_descriptors() == before);
  CHECK(has_no_children());
}

TEST_CASE("process: without a descriptor left nothing is started", "[process][spawn]") {
  if (BRAID_TSAN != 0) return;  // ThreadSanitizer knows no threads of a forked child
  const auto ended = in_child([] {
    loop here;
    here.run(process::run(shell("exit 0")));
    leave_no_descriptors();
    process::spawn_options how;
    how.output = process::pipe;
    const auto none = here.run(as_result(process::spawn(shell("sleep 100"), how)));
    if (none != std::errc::too_many_files_open) return 1;
    const std::string began = (std::filesystem::temp_directory_path() / "braid-began-").string();
    const std::string mark = began + std::to_string(::getpid());
    const auto without_pipe = here.run(as_result(process::spawn(shell("echo > " + mark))));
    if (without_pipe != std::errc::too_many_files_open) return 2;
    if (std::filesystem::exists(mark)) return 4;
    return has_no_children() ? 0 : 3;
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("process: a signal ends it, and a later one finds nothing", "[process][spawn]") {
  IN_EVERY_STYLE(style);
  loop here;
  process::child one = style.wait(process::spawn({"sleep", "1000"})).value();
  CHECK(one.kill(0));
  CHECK(one.kill(SIGTERM));
  CHECK(style.wait(one.wait()).value() == process::exit_status{.signal = SIGTERM});
  CHECK(style.wait(one.wait()).value() == process::exit_status{.signal = SIGTERM});
  CHECK_FALSE(one.kill(SIGTERM));
  CHECK(has_no_children());
}

TEST_CASE("process: a cancelled wait leaves it running; several waits get its end", "[process][spawn]") {
  IN_EVERY_STYLE(style);
  loop here;
  process::child one = style.wait(process::spawn({"sleep", "1000"})).value();
  stop_source stop;
  auto stopped = spawn(with_stop_token(one.wait(), stop.get_token()));
  auto first = spawn(one.wait()), second = spawn(one.wait());
  here.run(yield());
  stop.request_stop();
  CHECK(here.run(as_result(std::move(stopped))) == std::errc::operation_canceled);
  CHECK(is_alive(one.pid()));
  one.kill(SIGINT);
  CHECK(here.run(std::move(first)) == process::exit_status{.signal = SIGINT});
  CHECK(here.run(std::move(second)) == process::exit_status{.signal = SIGINT});
}

TEST_CASE("process: stop sends SIGTERM, and SIGKILL after the grace period", "[process][spawn]") {
  loop here;
  const auto program = []() -> task<> {
    process::child polite = co_await process::spawn(sleeping());
    const process::exit_status first = co_await polite.stop(std::chrono::hours(1));
    CHECK(first == process::exit_status{.signal = SIGTERM});
    process::spawn_options how;
    how.output = process::pipe;
    process::child stubborn =
        co_await process::spawn(shell("trap '' TERM; echo; exec sleep 1000"), std::move(how));
    std::string line(1, '?');
    co_await stubborn.output().read_exactly(line);  // it ignores SIGTERM now
    const process::exit_status second = co_await stubborn.stop(std::chrono::milliseconds(1));
    CHECK(second == process::exit_status{.signal = SIGKILL});
  };
  here.run(program);
  CHECK(has_no_children());
}

TEST_CASE("process: a stopped run ends the program first", "[process][run]") {
  IN_EVERY_STYLE(style);
  loop here;
  const scratch_folder folder;
  REQUIRE(::mkfifo((folder / "begun").c_str(), 0600) == 0);
  const auto program = [&]() -> task<> {
    stop_source stop;
    process::spawn_options there;
    there.directory = folder.path();
    // The shell's own handler would still take another signal from a child that has not become `sleep` yet.
    const std::string script =
        "trap 'kill -9 $!; echo > stopped; exit' TERM; sleep 1000 & echo > begun; wait";
    auto running = spawn(with_stop_token(process::run(shell(script), std::move(there)), stop.get_token()));
    (void)co_await read_file(folder / "begun");  // the trap is set
    stop.request_stop();
    auto ending = as_result(std::move(running));
    const auto ended = co_await std::move(ending);
    CHECK(ended == std::errc::operation_canceled);
  };
  CHECK(style.wait(program));
  CHECK(std::filesystem::exists(folder / "stopped"));
  CHECK(has_no_children());
}

TEST_CASE("process: run refuses pipes", "[process][run]") {
  loop here;
  process::spawn_options how;
  how.output = process::pipe;
  CHECK(here.run(as_result(process::run({"true"}, how))) == std::errc::invalid_argument);
}

TEST_CASE("process: a child that is dropped is killed and reaped", "[process][spawn]") {
  loop here;
  std::optional<process::child> one = here.run(process::spawn({"sleep", "1000"}));
  const pid_t pid = one->pid();
  one.reset();
  here.run();
  CHECK_FALSE(is_alive(pid));
  CHECK(has_no_children());
  std::optional<process::child> left = here.run(process::spawn({"sleep", "1000"}));
  const pid_t free_pid = left->release();
  left.reset();
  here.run();
  CHECK(is_alive(free_pid));
  ::kill(free_pid, SIGKILL);
  int status = 0;
  CHECK(::waitpid(free_pid, &status, 0) == free_pid);
}

TEST_CASE("process: a child that outlives its loop is reaped without one", "[process][spawn]") {
  std::optional<process::child> one;
  {
    loop here;
    one = here.run(process::spawn({"sleep", "1000"}));
  }
  one.reset();
  CHECK(has_no_children());
}

TEST_CASE("process: a forked copy of a child leaves the process alone", "[process][spawn]") {
  loop here;
  std::optional<process::child> one = here.run(process::spawn({"sleep", "1000"}));
  const auto ended = in_child([&] { one.reset(); });
  CHECK(ended.exit_status() == 0);
  CHECK(one->kill(0));
  one.reset();
  here.run();
  CHECK(has_no_children());
}

TEST_CASE("process: a simulated world has none", "[process][spawn][sim]") {
  sim::world here(1);
  const auto none = here.run(as_result(process::spawn({"true"})));
  CHECK(none == std::errc::operation_not_supported);
}

TEST_CASE("process: can be cancelled at each await", "[process][spawn][cancellation]") {
  const auto program = []() -> task<> {
    process::spawn_options how;
    how.input = how.output = process::pipe;
    process::child one = co_await process::spawn(cat(), std::move(how));
    co_await one.input().write_all("x");
    co_await one.input().close();
    std::string room(1, '?');
    co_await one.output().read_exactly(room);
    const process::exit_status first = co_await one.wait();
    const process::exit_status second = co_await process::run(shell("exit 0"));
    if (!first.is_success() || !second.is_success()) throw std::runtime_error("it failed");
  };
  CHECK(every_cancellation(program) >= 6);
  CHECK(has_no_children());
}
