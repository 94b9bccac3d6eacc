// Ends while the blocking pool has threads, in the way that the first argument names. Exits with 7 if all
// goes well. The second argument is the path of a file that contains "text".

#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <string_view>

#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/net/resolve.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"

namespace {

using namespace braid;

std::string path;

void wait_for_the_end() {
  int ends[2];
  char byte;
  if (::pipe(ends) == 0) (void)!::read(ends[0], &byte, 1);
}

// Fills the pool with functions that never end.
void keep_all_busy() {
  std::promise<void> all;
  std::atomic<int> begun{0};
  for (int n = 0; n < 4; ++n)
    start(offload([&] {
            if (++begun == 4) all.set_value();
            wait_for_the_end();
          }),
          [](result<void>) {});
  all.get_future().wait();
}

struct late_user {
  std::string how;
  std::unique_ptr<loop> home;
  ~late_user() {
    if (how == "static") ::_exit(run(offload([] { return 4; })) + (run(read_file(path)) == "text" ? 3 : 0));
    if (how == "static_loop") {
      start(offload([] {}), [](result<void> ended) { ended.value(); });
      home->run();
      home.reset();
      ::_exit(7);
    }
  }
};

int end(const std::string& how) {
  static late_user user;  // made before the pool, so destroyed after the pool's static objects
  user.how = how;
  if (how == "static_loop") {
    user.home = std::make_unique<loop>();
    run(offload([] {}));
    return 1;
  }
  if (how == "static") {
    run(offload([] {}));
    return 1;
  }
  loop home;
  home.run(offload([] {}));
  if (how == "busy" || how == "queued") {
    keep_all_busy();
    if (how == "queued") start(offload([] { std::abort(); }), [](result<void>) {});
    std::exit(7);
  }
  if (how == "inside") home.run(offload([] { std::exit(7); }));
  if (how == "fork")
    return home.run(offload([] {
      const pid_t child = ::fork();
      if (child == 0) {
        sigset_t mask;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        ::_exit(::sigismember(&mask, SIGTERM) == 0 && run(offload([] { return 3; })) == 3 ? 7 : 2);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      return WEXITSTATUS(status);
    }));
  if (how == "signalfd") {
    home.run(resolve("127.0.0.1", "80"));
    sigset_t term;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &term, nullptr);
    const file signals = file::from_descriptor(::signalfd(-1, &term, SFD_CLOEXEC));
    ::kill(::getpid(), SIGTERM);
    std::array<char, sizeof(signalfd_siginfo)> room;
    return home.run(signals.read_some(room)) == room.size() ? 7 : 3;
  }
  return 64;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 64;
  path = words[2];
  return end(words[1]);
}
