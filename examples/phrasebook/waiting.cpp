// The samples of docs/phrasebook.md: waiting for several things.
#include <numeric>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sample.hpp"

using namespace braid;

namespace {

// [all]
task<std::string> both() {
  auto [ann, bob] = co_await when_all(fetch("ann"), fetch("bob"));  // the first error stops the other one
  std::vector<task<std::string>> more;
  for (const char* name : {"cy", "dan"}) more.push_back(fetch(name));
  const auto rest = co_await when_all(std::move(more));  // a range gives a vector
  co_return ann + bob + rest[0] + rest[1];
}
// [/all]

// [settled]
task<std::string> how_each_one_ends() {
  auto [ann, broken] =
      co_await when_all_settled(fetch("ann"), fetch("broken"));  // each a result<std::string>
  co_return *ann + ", " + broken.error().message();
}
// [/settled]

// [race]
task<std::string> first_to_end() {
  auto first =
      co_await when_any(fetch("slow", 1h), fetch("quick"));  // once the loser was stopped and has ended
  co_return first.index == 1 ? std::get<1>(std::move(first.value)) : "slow";
}
// [/race]

// [any]
task<std::string> first_to_succeed() {
  auto first = co_await first_ok(fetch("broken", 1ms), fetch("quick"), fetch("slow", 1h));
  co_return first.index == 1 ? std::get<1>(std::move(first.value)) : "another one";
}
// [/any]

// [select]
task<std::string> whichever_comes(channel<std::string>& letters, event& closing) {
  auto next =
      co_await select(closing.wait(), letters.receive(), sleep_for(20ms));  // the first argument first
  if (next.index == 0) co_return "closing";
  if (next.index == 2) co_return "nothing came";
  co_return std::get<1>(std::move(next.value)).value_or("no more letters");  // the channel is closed
}
// [/select]

// [default]
std::string without_waiting(channel<std::string>& urgent, channel<std::string>& letters) {
  if (auto next = try_select(urgent.receive(), letters.receive()))  // of one channel: letters.try_receive()
    return (next->index == 0 ? std::get<0>(next->value) : std::get<1>(next->value)).value_or("closed");
  return "nothing there";
}
// [/default]

// [running]
task<int> beats_until_it_ends() {
  auto page = spawn(fetch("page", 25ms));  // runs on, whatever select chooses
  interval beats(10ms);
  for (int seen = 0;; ++seen) {
    const auto next = co_await select(page, beats.next());
    if (next.index == 0) co_return seen;
  }
}
// [/running]

// [list]
task<std::string> one_after_the_other() {
  std::vector<future<std::string>> pages;
  pages.push_back(spawn(fetch("slow", 20ms)));
  pages.push_back(spawn(fetch("quick", 5ms)));
  std::string order;
  for (auto left = pages.size(); left > 0; --left) order += (co_await select(pages)).value + " ";
  co_return order;
}
// [/list]

// [disabled]
task<int> sum_of_both(channel<int>& a, channel<int>& b) {
  int sum = 0;
  for (bool more_of_a = true, more_of_b = true; more_of_a || more_of_b;) {
    const auto next =
        co_await select(select_order::fair, when(more_of_a, a.receive()), when(more_of_b, b.receive()));
    const auto number = next.index == 0 ? std::get<0>(next.value) : std::get<1>(next.value);
    if (!number) (next.index == 0 ? more_of_a : more_of_b) = false;  // closed: waits for the other one alone
    sum += number.value_or(0);
  }
  co_return sum;
}
// [/disabled]

// [retry]
task<std::string> until_it_works() {
  int attempts = 0;
  const auto attempt = [&] { return with_timeout(fetch(++attempts < 3 ? "broken" : "page"), 1s); };
  const retry_policy patient{.attempts = 5, .base = 100ms, .jitter = retry_jitter::none};
  co_return co_await retry(patient, attempt);  // pauses for 100 ms and then 200 ms
}
// [/retry]

task<std::string> select_three_times() {
  channel<std::string> letters(1), urgent(1);
  event closing;
  std::string seen = co_await whichever_comes(letters, closing);
  co_await letters.send("a letter");
  seen += ", " + co_await whichever_comes(letters, closing);
  seen += ", " + without_waiting(urgent, letters);
  closing.set();
  seen += ", " + co_await whichever_comes(letters, closing);
  co_return seen;
}

task<int> sum_of_two_channels() {
  channel<int> a(2), b(2);
  for (const int number : {1, 2}) (void)a.try_send(number);
  for (const int number : {30, 40}) (void)b.try_send(number);
  a.close();
  b.close();
  co_return co_await sum_of_both(a, b);
}

}  // namespace

int main() {
  samples all;
  all.expect("all", both(), "annbobcydan", 20ms);
  all.expect("settled", how_each_one_ends(), "ann, no answer", 10ms);
  all.expect("race", first_to_end(), "quick", 10ms);
  all.expect("any", first_to_succeed(), "quick", 10ms);
  all.expect("select, default", select_three_times(), "nothing came, a letter, nothing there, closing", 20ms);
  all.expect("running", beats_until_it_ends(), 2, 25ms);
  all.expect("list", one_after_the_other(), "quick slow ", 20ms);
  all.expect("disabled", sum_of_two_channels(), 73);
  all.expect("retry", until_it_works(), "page", 330ms);
  return all.failures();
}
