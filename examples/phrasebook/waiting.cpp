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
std::string without_waiting(channel<std::string>& letters) {
  if (auto letter = letters.try_receive()) return *std::move(letter);
  return "nothing there";
}
// [/default]

// [retry]
task<std::string> until_it_works() {
  int attempts = 0;
  const auto attempt = [&] { return with_timeout(fetch(++attempts < 3 ? "broken" : "page"), 1s); };
  const retry_policy patient{.attempts = 5, .base = 100ms, .jitter = retry_jitter::none};
  co_return co_await retry(patient, attempt);  // pauses for 100 ms and then 200 ms
}
// [/retry]

task<std::string> select_three_times() {
  channel<std::string> letters(1);
  event closing;
  std::string seen = co_await whichever_comes(letters, closing);
  co_await letters.send("a letter");
  seen += ", " + co_await whichever_comes(letters, closing);
  seen += ", " + without_waiting(letters);
  closing.set();
  seen += ", " + co_await whichever_comes(letters, closing);
  co_return seen;
}

}  // namespace

int main() {
  samples all;
  all.expect("all", both(), "annbobcydan", 20ms);
  all.expect("settled", how_each_one_ends(), "ann, no answer", 10ms);
  all.expect("race", first_to_end(), "quick", 10ms);
  all.expect("any", first_to_succeed(), "quick", 10ms);
  all.expect("select, default", select_three_times(), "nothing came, a letter, nothing there, closing", 20ms);
  all.expect("retry", until_it_works(), "page", 330ms);
  return all.failures();
}
