// The code of docs/asio.md: a program that moves from Asio to braid piece by piece. main runs each of them.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio.hpp>

#include "braid/asio/loop_executor.hpp"
#include "braid/asio/start_on.hpp"
#include "braid/asio/use_braid.hpp"
#include "braid/braid.hpp"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

// [ask]
/// Sends a line to a server and returns its answer. The socket may be on any executor.
braid::task<std::string> ask(tcp::socket& server, std::string question) {
  question += '\n';
  co_await asio::async_write(server, asio::buffer(question), braid::use_braid);
  std::string answer;
  const std::size_t n =
      co_await asio::async_read_until(server, asio::dynamic_buffer(answer), '\n', braid::use_braid);
  co_return answer.substr(0, n - 1);
}
// [/ask]

// [asio_thread]
/// An io_context that a thread of its own runs until the object is destroyed.
class asio_thread {
 public:
  asio_thread() : thread_([this] { context.run(); }) {}
  ~asio_thread() {
    work_.reset();
    thread_.join();
  }
  asio::io_context context;

 private:
  asio::executor_work_guard<asio::io_context::executor_type> work_{context.get_executor()};
  std::thread thread_;
};
// [/asio_thread]

// [two_threads]
std::string ask_from_braid(const tcp::endpoint& address) {
  asio_thread other;  // outlives the loop of run
  return braid::run([&]() -> braid::task<std::string> {
    tcp::socket server(other.context);
    co_await server.async_connect(address, braid::use_braid);
    co_return co_await ask(server, "by two threads");
  });
}
// [/two_threads]

// [one_loop]
/// Sends back what it receives.
braid::task<> echo(tcp::socket peer) {
  std::array<char, 256> bytes;
  for (;;) {
    const auto got = co_await braid::as_result(peer.async_read_some(asio::buffer(bytes), braid::use_braid));
    if (!got) co_return;  // the peer has closed the connection
    co_await asio::async_write(peer, asio::buffer(bytes.data(), *got), braid::use_braid);
  }
}

/// Serves connections on this loop, without an io_context, until it is stopped.
braid::task<> serve(tcp::acceptor& at) {
  co_await braid::with_scope([&](braid::scope& connections) -> braid::task<> {
    for (;;) {
      tcp::socket peer = co_await at.async_accept(braid::use_braid.on_stop([&] { at.cancel(); }));
      connections.spawn(echo(std::move(peer)));
    }
  });
}
// [/one_loop]

// [on_stop]
/// Waits for an answer for a while. With Boost 1.77 or newer use_braid alone would do.
braid::task<std::string> answer_within(tcp::socket& server, std::chrono::milliseconds limit) {
  std::string answer;
  auto reading = asio::async_read_until(server, asio::dynamic_buffer(answer), '\n',
                                        braid::use_braid.on_stop([&] { server.cancel(); }));
  const auto size = co_await braid::as_result(braid::with_timeout(std::move(reading), limit));
  co_return size ? answer.substr(0, *size - 1) : "no answer in time";
}
// [/on_stop]

// [from_asio]
braid::task<std::size_t> count_bytes(std::string path) {
  const std::string text = co_await braid::read_file(path);
  co_return text.size();
}

/// A coroutine of Asio that awaits a braid operation, which runs on another thread's loop.
asio::awaitable<std::string> report(braid::loop& there, std::string path) {
  const auto counting = [path] { return count_bytes(path); };
  const std::size_t n = co_await braid::start_on(there, counting, asio::use_awaitable);
  co_return n > 0 ? path + " has text" : path + " is empty";
}
// [/from_asio]

std::string asked_on_one_loop(braid::loop& here, tcp::acceptor& at) {
  return here.run([&]() -> braid::task<std::string> {
    tcp::socket server{braid::loop_executor(here)};
    co_await server.async_connect(at.local_endpoint(), braid::use_braid);
    co_return co_await ask(server, "by one loop");
  });
}

std::string not_answered(braid::loop& here) {
  return here.run([&]() -> braid::task<std::string> {
    const tcp::endpoint any(asio::ip::address_v4::loopback(), 0);
    tcp::acceptor silent(braid::loop_executor(here), any);
    tcp::socket server{braid::loop_executor(here)};
    co_await server.async_connect(silent.local_endpoint(), braid::use_braid);
    co_return co_await answer_within(server, 10ms);
  });
}

}  // namespace

int main() {
  braid::loop here;
  tcp::acceptor at(braid::loop_executor(here), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  auto serving = braid::spawn(serve(at));
  std::puts(asked_on_one_loop(here, at).c_str());

  std::string answer;
  std::thread other([&, address = at.local_endpoint()] { answer = ask_from_braid(address); });
  here.run(braid::offload([&] { other.join(); }));
  std::puts(answer.c_str());
  std::puts(not_answered(here).c_str());

  asio_thread of_asio;
  auto reported = asio::co_spawn(of_asio.context, report(here, "/proc/self/status"), asio::use_future);
  std::puts(here.run(braid::offload([&] { return reported.get(); })).c_str());

  serving.request_stop();
  const auto served = here.run(braid::as_result(std::move(serving)));
  std::puts(served.error().message().c_str());
}
