#pragma once

#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/http/server.hpp"
#include "braid/loop/loop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "scripted.hpp"

namespace braid_tests {

/// A server on loopback, which runs until this is closed.
class site {
 public:
  explicit site(braid::http::handler answer, braid::http::server_options how = {})
      : door_(braid::tcp::listen_now(braid::endpoint::loopback())),
        at(door_.local_endpoint()),
        serving_(braid::spawn(braid::http::serve(door_, std::move(answer), std::move(how)))) {}
  /// Closes the listener, and waits until the server has ended by itself.
  braid::task<> drain() {
    co_await door_.close();
    co_await std::move(serving_);
  }
  braid::task<> close() {
    serving_.request_stop();
    auto ending = braid::as_result(std::move(serving_));
    (void)co_await std::move(ending);
    co_await door_.close();
  }

 private:
  braid::tcp::listener door_;

 public:
  const braid::endpoint at;

 private:
  braid::future<void> serving_;
};

/// All that arrives until the other side ends.
inline braid::task<std::string> rest_of(braid::tcp::stream& from) {
  std::string all;
  std::array<char, 4096> part;
  for (std::size_t got = 1; got != 0;) {
    got = co_await from.read_some(part);
    all.append(part.data(), got);
  }
  co_return all;
}
/// Reads up to and with `end`.
inline braid::task<std::string> up_to(braid::tcp::stream& from, std::string end) {
  std::string all;
  std::array<char, 1> byte;
  while (!all.ends_with(end)) {
    co_await from.read_exactly(byte);
    all += byte[0];
  }
  co_return all;
}
/// Sends the bytes, and returns what the server answers until it ends the connection.
inline braid::task<std::string> talk(braid::endpoint at, std::string bytes) {
  braid::tcp::stream server = co_await braid::tcp::connect(at);
  auto both = braid::when_all(braid::as_result(server.write_all(bytes)), rest_of(server));
  auto [written, all] = co_await std::move(both);
  co_return std::move(all);
}

inline std::string get_request(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}
inline std::string last_request(const std::string& path, const std::string& fields = "") {
  return get_request(path, fields + "Connection: close\r\n");
}

inline braid::task<braid::http::response> hello(braid::http::request&) {
  co_return braid::http::response(200, "hello");
}

using statuses = std::vector<int>;
inline statuses statuses_in(const std::string& bytes) {
  statuses found;
  for (const seen_response& each : responses_in(bytes)) found.push_back(each.status);
  return found;
}

/// Runs program() in the simulated world, where time costs nothing, or on the kernel.
template <class Program>
void run_in(bool world, Program program) {
  CAPTURE(world);
  if (world) {
    braid::sim::world here(7);
    here.run(program());
  } else {
    braid::run(program());
  }
}

}  // namespace braid_tests
