// Requests and replies as datagrams. The client repeats a request until it is answered; the server must not
// carry it out twice. Datagrams are lost, duplicated and reordered; the hosts are partitioned for a while.

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/net/udp.hpp"
#include "braid/sim/explore.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

using namespace braid;
using namespace std::chrono_literals;
using sim::fault;

namespace {

constexpr std::uint16_t port = 80;
constexpr int requests = 5;

std::string message_of(int number, int amount) {
  return std::to_string(number) + " " + std::to_string(amount);
}
std::pair<int, int> numbers_of(std::string_view message) {
  const std::size_t space = message.find(' ');
  return {std::stoi(std::string(message.substr(0, space))),
          std::stoi(std::string(message.substr(space + 1)))};
}

task<void> serve(bool remembers) {
  const udp::socket at = co_await udp::bind(endpoint("0.0.0.0", port));
  std::map<int, int> replies;  // by request number
  int total = 0;
  for (std::string room(64, '\0');;) {
    const udp::datagram asked = co_await at.receive_from(room);
    const auto [number, amount] = numbers_of(std::string_view(room).substr(0, asked.size));
    const auto known = replies.find(number);
    const bool again = remembers && known != replies.end();
    if (!again) total += amount;
    const int reply = again ? known->second : total;
    replies[number] = reply;
    const std::string text = message_of(number, reply);
    co_await at.send_to(text, asked.from);
  }
}

// Waits for the reply to this request; replies to earlier ones may still arrive.
task<int> reply_to(const udp::socket& server, int number) {
  for (std::string room(64, '\0');;) {
    const udp::datagram got = co_await server.receive(room);
    const auto [answered, total] = numbers_of(std::string_view(room).substr(0, got.size));
    if (answered == number) co_return total;
  }
}

task<int> ask_all(std::string address) {
  const udp::socket server = co_await udp::connect(endpoint(address, port));
  int last = 0;
  for (int number = 1; number <= requests; ++number) {
    const std::string text = message_of(number, number);
    for (;;) {
      (void)co_await as_result(server.send(text));
      const auto total = co_await as_result(with_timeout(reply_to(server, number), 30ms));
      if (!total && total.error() == std::errc::timed_out) continue;
      if (!total && total.error() == std::errc::connection_refused) continue;  // the server starts later
      last = total.value();
      break;
    }
  }
  co_return last;
}

void run_with_chaos(sim::world& here, bool remembers) {
  sim::host& server = here.add_host("server", {.program = [=](sim::host&) { return serve(remembers); }});
  sim::host& client = here.add_host("client");
  // [faults]
  for (const fault what : {fault::lost, fault::duplicated, fault::delayed})
    here.faults().add({.what = what, .probability = 0.1, .delay = 40ms});
  // [/faults]
  const auto some_time = [&here] { return here.draws().between(1ms, 100ms); };
  here.after(some_time(), [&, some_time] {
    here.partition(server, client);
    here.after(some_time(), [&] { here.join(server, client); });
  });
  const int last = here.run_on(client, ask_all(server.address()));
  if (last != requests * (requests + 1) / 2) throw std::logic_error("the total is " + std::to_string(last));
}

const sim::world_options wide_area{.network = {.least_latency = 1ms, .most_latency = 10ms},
                                   .most_steps = 100'000};

TEST_CASE("simulation: a repeated request is carried out once", "[sim][datagrams]") {
  const sim::explored all =
      sim::explore(200, [](sim::world& here) { run_with_chaos(here, true); }, wide_area);
  CHECK(all.runs == 200);
}

TEST_CASE("simulation: finds a server that forgets its requests", "[sim][datagrams]") {
  CHECK_THROWS_AS(
      sim::explore(200, [](sim::world& here) { run_with_chaos(here, false); }, wide_area), std::logic_error);
}

}  // namespace
