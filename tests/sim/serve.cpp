// How a server gets over a shortage of descriptors: faults at its accepts, in a world and on the kernel.

#include "braid/net/serve.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "braid/schedule/sleep.hpp"
#include "braid/sim/faulty.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "two_hosts.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using sim::fault;

namespace {

struct shortage {
  fault what;
  std::errc code;
};
constexpr std::array shortages = {
    shortage{fault::no_descriptors, std::errc::too_many_files_open},
    shortage{fault::no_system_descriptors, std::errc::too_many_files_open_in_system},
    shortage{fault::no_buffers, std::errc::no_buffer_space}};

task<> echoes(tcp::stream client) {
  std::array<char, 64> part;
  while (const std::size_t got = co_await client.read_some(part))
    co_await client.write_all(std::span(part).first(got));
  co_await client.close();
}

task<std::string> asks_server(endpoint at, std::string question) {
  const tcp::stream server = co_await tcp::connect(at);
  co_await server.write_all(question);
  co_await server.read_exactly(question);
  co_return question;
}

serve_options reporting_to(std::vector<error>& reports) {
  serve_options how;
  how.on_error = [&reports](const error& why) { reports.push_back(why); };
  return how;
}

}  // namespace

TEST_CASE("serve: through a shortage of a minute it pauses, reports it once, and serves who has waited",
          "[sim][serve]") {
  const auto [what, code] = shortages[GENERATE(0U, 1U, 2U)];
  CAPTURE(sim::name_of(what));
  two_hosts here;
  here.world.faults().add({.what = what, .probability = 1, .only = opcode::accept_many});
  here.world.after(1min, [&] { here.world.faults().clear(); });
  std::vector<error> reports;
  here.listen();
  const current_loop_scope there(&here.server.its_loop());
  auto serving = spawn(tcp::serve(here.listening, echoes, reporting_to(reports)));
  CHECK(here.world.run_on(here.client, asks_server(here.at_server(), "waits")) == "waits");
  CHECK(here.elapsed() >= 1min);
  CHECK(here.elapsed() < 62s);  // a pause is a second at most
  CHECK(here.world.faults().happened() < 80);  // it does not spin
  REQUIRE(reports.size() == 1);
  CHECK(reports.front() == code);
  CHECK(here.world.run_on(here.client, asks_server(here.at_server(), "again")) == "again");
  CHECK(reports.size() == 1);
  serving.request_stop();
  CHECK(here.on(here.server, std::move(serving)) == -ECANCELED);
}

TEST_CASE("serve: goes on after a shortage on the kernel, which it reports once", "[sim][faulty][serve]") {
  const auto [what, code] = shortages[GENERATE(0U, 1U, 2U)];
  CAPTURE(sim::name_of(what));
  sim::fault_schedule faults;
  for (const std::uint64_t nth : {1U, 2U, 3U})
    faults.add({.what = what, .nth = nth, .only = opcode::accept_many});
  loop here({}, sim::faulty(make_reactor({}), faults));
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  std::vector<error> reports;
  auto serving = spawn(tcp::serve(door, echoes, reporting_to(reports)));
  CHECK(here.run(asks_server(door.local_endpoint(), "waits")) == "waits");
  CHECK(here.run(asks_server(door.local_endpoint(), "again")) == "again");
  CHECK(faults.happened() == 3);
  REQUIRE(reports.size() == 1);
  CHECK(reports.front() == code);
  serving.request_stop();
  CHECK(here.run(as_result(std::move(serving))).error() == std::errc::operation_canceled);
}
