// A service that gives each request exactly one effect and one reply, under partitions, resets and crashes.

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/combine/scope.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/explore.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/mutex.hpp"
#include "catch.hpp"

using namespace braid;
using namespace std::chrono_literals;

namespace {

constexpr int requests = 5;
constexpr std::uint16_t port = 7000;

// A request, a journal entry or a reply: two numbers in 32 bytes, of which the last one ends the line.
constexpr std::size_t record_bytes = 32;
using record = std::array<char, record_bytes>;
record record_of(int number, int value) {
  record made;
  made.fill(' ');
  const std::string text = std::to_string(number) + " " + std::to_string(value);
  text.copy(made.data(), text.size());
  made.back() = '\n';
  return made;
}
// Returns nothing unless every byte is right: a crash may have kept any part of a record, even only its end.
std::optional<std::pair<int, int>> numbers_of(std::string_view text) {
  int number = 0, value = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, number);
  if (first.ec != std::errc{} || first.ptr == end) return std::nullopt;
  if (std::from_chars(first.ptr + 1, end, value).ec != std::errc{}) return std::nullopt;
  const record right = record_of(number, value);
  if (text != std::string_view(right.data(), right.size())) return std::nullopt;
  return std::pair(number, value);
}

// The server's state: the total after each request, read from its journal.
class ledger {
 public:
  explicit ledger(bool syncs) : syncs_(syncs) {}

  // A torn entry is dropped: its request was never answered.
  task<void> open() {
    std::string text;
    if (auto found = co_await as_result(read_file("/journal"))) text = std::move(*found);
    std::size_t whole = 0;
    while (const auto entry = numbers_of(std::string_view(text).substr(whole, record_bytes))) {
      book(*entry);
      whole += record_bytes;
    }
    journal_ = co_await open_file("/journal", O_WRONLY | O_CREAT);
    co_await journal_.truncate(whole);
    end_ = whole;
  }

  // Returns the total after this request, and books it unless that has happened before.
  task<int> book_once(int number, int amount) {
    const auto alone = co_await order_.lock();
    if (const auto known = totals_.find(number); known != totals_.end()) co_return known->second;
    const record entry = record_of(number, amount);
    for (std::size_t done = 0; done < record_bytes;)
      done +=
          co_await journal_.write_at(end_ + done, std::string_view(entry.data() + done, record_bytes - done));
    if (syncs_) co_await journal_.sync();
    end_ += record_bytes;
    book({number, amount});
    co_return total_;
  }

 private:
  void book(std::pair<int, int> request) {
    total_ += request.second;
    totals_[request.first] = total_;
  }

  const bool syncs_;
  file journal_;
  std::uint64_t end_ = 0;
  int total_ = 0;
  std::map<int, int> totals_;
  mutex order_;
};

task<void> serve_one(ledger& book, tcp::stream client) {
  record asked;
  for (;;) {
    if (!co_await as_result(client.read_exactly(asked))) co_return;
    const auto [number, amount] = numbers_of({asked.data(), asked.size()}).value();
    const int total = co_await book.book_once(number, amount);
    const record reply = record_of(number, total);
    if (!co_await as_result(client.write_all(reply))) co_return;
  }
}

task<void> serve(bool syncs) {
  ledger book(syncs);
  co_await book.open();
  tcp::listener at = co_await tcp::listen(endpoint("0.0.0.0", port));
  co_await with_scope([&](scope& clients) -> task<void> {
    for (;;) {
      auto client = co_await as_result(at.accept());
      if (client)
        clients.spawn(serve_one(book, std::move(*client)));
      else if (client.error() == std::errc::operation_canceled)
        client.error().rethrow();
    }
  });
}

task<int> ask_once(tcp::stream& server, const std::string& address, int number, int amount) {
  if (!server.is_open()) server = co_await tcp::connect(endpoint(address, port));
  record message = record_of(number, amount);
  co_await server.write_all(message);
  co_await server.read_exactly(message);
  const auto [answered, total] = numbers_of({message.data(), message.size()}).value();
  if (answered != number) throw std::logic_error("a reply to another request");
  co_return total;
}

// Repeats each request until it is answered; returns the totals from the replies.
task<std::vector<int>> ask_all(std::string address) {
  std::vector<int> totals;
  tcp::stream server;
  for (int number = 1; number <= requests; ++number) {
    for (;;) {
      const auto total = co_await as_result(with_timeout(ask_once(server, address, number, number), 500ms));
      if (total) {
        totals.push_back(*total);
        break;
      }
      if (total.error() == errc::exception) total.error().rethrow();
      if (server.is_open()) (void)co_await as_result(server.close());
      co_await sleep_for(20ms);
    }
  }
  co_return totals;
}

void run_with_chaos(sim::world& here, bool syncs) {
  sim::host& server = here.add_host("server", {.program = [syncs](sim::host&) { return serve(syncs); },
                                               .disk = {.most_latency = 2ms, .sync_latency = 5ms}});
  sim::host& client = here.add_host("client");
  here.faults().add({.what = sim::fault::reset, .probability = 0.01});
  here.faults().add({.what = sim::fault::interrupted, .probability = 0.05});
  here.faults().add({.what = sim::fault::short_write, .probability = 0.1});
  here.faults().add({.what = sim::fault::short_read, .probability = 0.1});
  sim::choices& draws = here.draws();
  const auto some_time = [&draws] { return draws.between(1ms, 150ms); };
  for (std::size_t i = draws.among(3); i-- > 0;)
    here.after(some_time(), [&] {
      here.crash(server);
      here.after(some_time(), [&] { here.restart(server); });
    });
  for (std::size_t i = draws.among(3); i-- > 0;)
    here.after(some_time(), [&] {
      here.partition(server, client);
      here.after(some_time(), [&] { here.join(server, client); });
    });

  const std::vector<int> totals = here.run_on(client, ask_all(server.address()));
  int expected = 0;
  for (int number = 1; number <= requests; ++number) {
    expected += number;
    if (totals.at(std::size_t(number) - 1) != expected)
      throw std::logic_error("a request was lost or booked twice");
  }
  const std::string journal = server.contents("/journal").value();
  if (journal.size() != requests * record_bytes)
    throw std::logic_error("the journal has another number of entries");
}

const sim::world_options slow{.network = {.least_latency = 100us, .most_latency = 20ms, .buffer_bytes = 4096},
                              .most_steps = 100'000};

TEST_CASE("simulation: no request is lost or booked twice under any fault", "[sim][client_server]") {
  const sim::explored all = sim::explore(1000, [](sim::world& here) { run_with_chaos(here, true); }, slow);
  CHECK(all.runs == 1000);
  // A hash over every request and completion of all runs. It depends on what the simulation does, not on the
  // compiler.
  CHECK(all.trace_hash == 0xfb81c975133b2026);
}

TEST_CASE("simulation: finds a server that replies before it syncs", "[sim][client_server]") {
  CHECK_THROWS_AS(
      sim::explore(1000, [](sim::world& here) { run_with_chaos(here, false); }, slow), std::logic_error);
}

}  // namespace
