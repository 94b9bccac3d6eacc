// Uses a loop while io_uring_setup fails with the errno in the first argument. Exits with 0 if everything
// works on epoll. The second argument is the path of a file to write.

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <tuple>

#include "../support/seccomp.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/run.hpp"
#include "braid/style/task.hpp"

namespace {

using namespace braid;

task<int> serve_and_ask() {
  const tcp::listener listening = co_await tcp::listen(endpoint::loopback());
  const auto served = [&]() -> task<void> {
    tcp::stream from = co_await listening.accept();
    std::array<char, 4> room;
    co_await from.read_exactly(room);
    co_await from.write_all(room);
    co_await from.close();
  };
  const auto asked = [&]() -> task<std::string> {
    tcp::stream to = co_await tcp::connect(listening.local_endpoint());
    co_await to.write_all(std::string("ping"));
    std::string room(4, '?');
    co_await to.read_exactly(room);
    co_await to.close();
    co_return room;
  };
  const auto both = co_await when_all(served(), asked());
  co_return std::get<1>(both) == "ping" ? 0 : 1;
}

int use_a_loop(const std::string& path) {
  loop home;
  if (home.reactor_name() != std::string("epoll")) return 1;
  home.run(write_file(path, std::string("written")));
  if (home.run(read_file(path)) != "written") return 2;
  if (home.run(serve_and_ask()) != 0) return 3;
  const auto before = loop_clock::now();
  home.run(sleep_for(std::chrono::microseconds(700)));
  if (loop_clock::now() - before < std::chrono::microseconds(700)) return 4;
  bool posted = false;
  home.operations().expect_delivery();
  std::thread other([&] {
    home.post([&] {
      posted = true;
      home.operations().delivery_arrived();
    });
  });
  home.run();
  other.join();
  return posted ? 0 : 5;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 64;
  braid_tests::forbid(SYS_io_uring_setup, static_cast<unsigned>(std::atoi(words[1])));
  if (const int failed = use_a_loop(words[2])) return failed;
  run(nop());
  std::thread([] { run(nop()); }).join();
  return 0;
}
