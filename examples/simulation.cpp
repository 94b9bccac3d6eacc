// A bug that shows in one run of two hundred: found in a simulated world, replayed, and fixed.

#include <chrono>
#include <cstdio>
#include <span>
#include <stdexcept>
#include <string>

#include "braid/combine/scope.hpp"
#include "braid/fs/file.hpp"
#include "braid/net/tcp.hpp"
#include "braid/sim/explore.hpp"
#include "braid/style/task.hpp"

using namespace braid;
using namespace std::chrono_literals;

// [bank]
struct account {
  int balance = 0;
  file journal;
};
using deposit = task<void>(account&, int amount);

task<void> deposit_carelessly(account& into, int amount) {
  const int before = into.balance;
  co_await into.journal.write_all(std::to_string(amount) + "\n");
  co_await into.journal.sync();
  into.balance = before + amount;  // loses every deposit that was made meanwhile
}

task<void> deposit_carefully(account& into, int amount) {
  co_await into.journal.write_all(std::to_string(amount) + "\n");
  co_await into.journal.sync();
  into.balance += amount;
}

task<void> serve_one(deposit& book, account& all, tcp::stream client) {
  char amount = 0;
  while (co_await client.read_some(std::span(&amount, 1)) != 0) {
    co_await book(all, amount);
    co_await client.write_all(std::span(&amount, 1));
  }
}

task<void> serve(deposit& book, account& all) {
  all.journal = co_await open_file("/journal", O_WRONLY | O_CREAT | O_APPEND);
  tcp::listener at = co_await tcp::listen(endpoint("0.0.0.0", 80));
  co_await with_scope([&](scope& clients) -> task<void> {
    for (;;) clients.spawn(serve_one(book, all, co_await at.accept()));
  });
}

task<void> pay_in(std::string bank, char amount) {
  tcp::stream to = co_await tcp::connect(endpoint(bank, 80));
  co_await to.write_all(std::span(&amount, 1));
  co_await to.read_exactly(std::span(&amount, 1));
  co_await to.close();
}
// [/bank]

// [world]
void two_customers(sim::world& here, deposit& book) {
  account all;
  const auto bank = [&](sim::host&) { return serve(book, all); };
  const auto customer = [](sim::host&) { return pay_in("10.0.0.1", 50); };
  here.add_host("bank", {.program = bank, .disk = {.sync_latency = 100us}});
  here.add_host("ann", {.program = customer});
  here.add_host("bob", {.program = customer});
  here.run_until_idle();
  if (all.balance != 100) throw std::runtime_error("the account holds " + std::to_string(all.balance));
}

const sim::world_options wide_area{.network = {.least_latency = 1ms, .most_latency = 25ms}};
// [/world]

int main() {
  try {
    // [explore]
    sim::explore(1000, [](sim::world& here) { two_customers(here, deposit_carelessly); }, wide_area);
    // [/explore]
  } catch (const std::runtime_error& lost) {
    std::printf("carelessly: %s\n", lost.what());
  }
  const auto all =
      sim::explore(1000, [](sim::world& here) { two_customers(here, deposit_carefully); }, wide_area);
  std::printf("carefully: %d runs, none fails\n", static_cast<int>(all.runs));
}
