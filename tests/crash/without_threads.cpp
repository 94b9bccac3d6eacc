// Uses a loop while no thread can be started; exits with 0 if all goes as it should. Files need no thread on
// io_uring, but do on epoll. The first argument is the path of a file to write.

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <tuple>

#include "../support/seccomp.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/offload_pool.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"

namespace {

using namespace braid;

constexpr auto no_thread = std::errc::resource_unavailable_try_again;

int use_a_loop(const std::string& path) {
  loop home;
  offload_pool own({.name = "own"});
  const bool on_epoll = home.reactor_name() == std::string("epoll");
  for (int round = 0; round < 2; ++round) {
    const result<void> written = home.run(as_result(write_file(path, std::string("written"))));
    if (on_epoll ? written || written.error() != no_thread : !written) return 1;
    const auto calculated = home.run(as_result(offload([] { return 1; })));
    if (calculated || calculated.error() != no_thread) return 2;
    const auto in_pool = home.run(as_result(own.run([] { return 1; })));
    if (in_pool || in_pool.error() != no_thread) return 4;
  }
  home.run(sleep_for(std::chrono::microseconds(100)));
  const tcp::listener listening = home.run(tcp::listen(endpoint::loopback()));
  auto [near, far] = home.run(when_all(tcp::connect(listening.local_endpoint()), listening.accept()));
  home.run(near.write_all(std::string("ping")));
  std::string room(4, '?');
  home.run(far.read_exactly(room));
  return room == "ping" ? 0 : 3;
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 64;
  for (const unsigned call : {SYS_clone, SYS_clone3}) braid_tests::forbid(call, EAGAIN);
  ::_exit(use_a_loop(words[1]));  // no static destructors: a sanitizer would start a thread to look for leaks
}
