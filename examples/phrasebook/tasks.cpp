// The samples of docs/phrasebook.md: beginning tasks.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sample.hpp"

using namespace braid;

namespace {

// [spawn]
task<std::string> two_futures() {
  future<std::string> ann = spawn(fetch("ann"));  // both run from here on
  future<std::string> bob = spawn(fetch("bob"));
  std::string names = co_await std::move(ann);
  names += ", " + co_await std::move(bob);
  co_return names;
}
// [/spawn]

// [run]
std::string in_main() {
  const std::string name = run(fetch("ann"));  // the thread waits; it must not have a loop that runs
  return name;
}
// [/run]

// [scope]
task<> count(const char* name, int& fetched) {
  co_await fetch(name);
  ++fetched;
}

task<int> all_in_a_scope() {
  int fetched = 0;  // outside of the scope, since its children use it
  const auto begin = [&](scope& all) {
    all.spawn(count("ann", fetched));
    all.spawn(count("bob", fetched));
  };
  co_await with_scope(begin);  // until all have ended; one that fails stops the others, and fails the scope
  co_return fetched;
}
// [/scope]

// [isolated]
task<std::string> page_and_advert(scope& all) {
  auto advert = all.spawn_isolated(fetch("broken"));  // its failure is for its future alone
  auto page = all.spawn(fetch("page"));
  const auto extra = co_await as_result(std::move(advert));
  std::string text = co_await std::move(page);
  if (!extra) text += " without advert";
  co_return text;
}
// [/isolated]

// [group]
task<std::string> as_they_come(task_group<std::string>& pages) {
  pages.spawn(fetch("slow", 50ms));
  pages.spawn(fetch("broken", 20ms));
  pages.spawn(fetch("quick", 5ms));
  std::string order;
  while (const auto page = co_await pages.next())  // a result<std::string>
    order += *page ? **page + ", " : page->error().message() + ", ";
  co_return order;
}
// [/group]

// [start]
task<> serve(promise<int> ready) {
  co_await sleep_for(10ms);  // a failure up to here is the failure of start
  ready.set_value(8080);
  co_await sleep_for(1h);
}

task<int> port_of_server(scope& all) {
  const int port = co_await all.start<int>(serve);  // waits until the server is ready
  all.request_stop();  // the scope would wait for the server
  co_return port;
}
// [/start]

// [supervisor]
task<int> until_it_holds() {
  int begun = 0;
  const auto services = [&](supervisor& all) {
    const auto feed = [&] { return fetch(++begun < 3 ? "broken" : "page"); };
    all.spawn(feed, {.name = "feed", .restart = restart_policy::transient});  // again, if it has failed
  };
  const supervisor_options how{.restarts = 5, .within = 1min, .base = 100ms, .jitter = retry_jitter::none};
  co_await with_supervisor(how, services);  // one restart more within a minute would fail it
  co_return begun;
}
// [/supervisor]

// [limit]
task<std::string> two_at_a_time(std::vector<std::string> names) {
  const auto one = [](const std::string& name) { return fetch(name); };
  std::string all;
  for (const auto& name : co_await map_concurrent(names, 2, one)) all += name;  // in the order of the names
  co_return all;
}
// [/limit]

// [stop_one]
task<bool> stop_and_join() {
  auto page = spawn(fetch("slow", 1h));
  page.request_stop();  // asks it to end; any thread may
  const auto ended = co_await as_result(std::move(page));  // it has ended now, and throws nothing here
  co_return ended == std::errc::operation_canceled;
}
// [/stop_one]

// [detach]
task<std::string> nobody_waits() {
  std::string lost;
  loop::current().on_unhandled_error([&](const error& why) { lost = why.message(); });
  detach(fetch("broken"));  // without a handler the program would end here, and say why
  co_await sleep_for(100ms);  // it lives longer than that: nothing ties it to this task
  co_return lost;
}
// [/detach]

// [yield]
task<long> sum_politely(std::vector<int> numbers) {
  long sum = 0;
  for (const int number : numbers) {
    sum += number;
    if (number % 1000 == 0) co_await yield();  // nothing else runs before a task waits or yields
  }
  co_return sum;
}
// [/yield]

// [shared]
task<std::size_t> one_for_many_waiters() {
  const shared_task<std::string> page = fetch("page");  // not begun yet
  const auto size = [&]() -> task<std::size_t> { co_return (co_await page).size(); };
  auto [one, two] = co_await when_all(size, size);  // begins it once
  co_return one + two + (co_await page).size();  // has its value already
}
// [/shared]

// [singleflight]
struct flights {
  shared_task<std::string> get(const std::string& name) {
    auto at = running_.find(name);
    if (at == running_.end() || at->second.is_ready()) {
      ++requests;
      at = running_.insert_or_assign(name, shared_task<std::string>(fetch(name))).first;
    }
    return at->second;
  }
  std::map<std::string, shared_task<std::string>> running_;
  int requests = 0;
};
// [/singleflight]

task<int> three_callers() {
  flights shared;
  const auto ask = [&](const char* name) -> task<> { (void)co_await shared.get(name); };
  co_await when_all(ask("ann"), ask("ann"), ask("bob"));
  co_await ask("ann");  // the first flight has landed
  co_return shared.requests;
}

task<long> politely() {
  std::vector<int> numbers(3000);
  for (int n = 0; n < 3000; ++n) numbers[static_cast<std::size_t>(n)] = n;
  return sum_politely(std::move(numbers));
}

task<std::string> main_without_a_loop() {
  co_return co_await offload([] {
    const sim::virtual_time clock;
    return in_main();
  });
}

}  // namespace

int main() {
  samples all;
  all.expect("spawn", two_futures(), "ann, bob", 10ms);
  all.expect("run", main_without_a_loop(), "ann");
  all.expect("scope", all_in_a_scope(), 2, 10ms);
  all.expect("isolated", with_scope(page_and_advert), "page without advert", 10ms);
  all.expect("group", with_group<std::string>(as_they_come), "quick, no answer, slow, ", 50ms);
  all.expect("start", with_scope(port_of_server), 8080, 10ms);
  all.expect("supervisor", until_it_holds(), 3, 330ms);
  all.expect("limit", two_at_a_time({"ann ", "bob ", "cy"}), "ann bob cy", 20ms);
  all.expect("stop_one", stop_and_join(), true);
  all.expect("detach", nobody_waits(), "no answer", 100ms);
  all.expect("yield", politely(), 2999L * 1500);
  all.expect("shared", one_for_many_waiters(), 12U, 10ms);
  all.expect("singleflight", three_callers(), 3, 20ms);
  return all.failures();
}
