// The samples of docs/phrasebook.md: passing messages.
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "sample.hpp"

using namespace braid;

namespace {

// [channel]
task<> produce(channel<int>& numbers) {
  for (int n = 1; n <= 5; ++n) co_await numbers.send(n);  // waits while two elements wait to be received
  numbers.close();  // a channel does not notice that its senders are gone
}

task<int> sum_through_a_channel() {
  channel<int> numbers(2);  // 0: a send waits for its receive; channel<int>::unbounded: no send waits
  const auto add_up = [&]() -> task<int> {
    int sum = 0;
    while (const auto number = co_await numbers.receive()) sum += *number;  // until it is closed and empty
    co_return sum;
  };
  const auto [nothing, sum] = co_await when_all(produce(numbers), add_up);
  co_return sum;
}
// [/channel]

// [oneshot]
task<std::string> an_answer() {
  promise<std::string> answer;
  auto answered = answer.get_future();
  const auto work = [&]() -> task<> {
    co_await sleep_for(10ms);
    if (answer.is_wanted())
      answer.set_value("42");  // false if the future was dropped, or its waiter was stopped
  };
  auto [nothing, text] = co_await when_all(work, std::move(answered));
  co_return text;
}
// [/oneshot]

// [broadcast]
task<std::string> everybody_hears() {
  broadcast<std::string> news(2);  // keeps two elements for slow subscribers
  auto ann = news.subscribe();
  for (const char* line : {"one", "two", "three"}) news.send(line);  // never waits
  news.close();
  std::string heard = "missed " + std::to_string(ann.missed());
  while (const auto line = co_await ann.receive()) heard += ", " + *line;
  co_return heard;
}
// [/broadcast]

// [watch]
task<int> latest_value_only() {
  watch<int> volume(5);
  auto knob = volume.read();
  volume.set(7);
  volume.set(9);
  co_return (co_await knob.receive()).value();  // the values in between are gone
}
// [/watch]

// [overflow]
task<std::string> never_waits() {
  channel<int> degrees(2, overflow::drop_oldest);  // or drop_newest, or latest: one element, the newest
  for (const int each : {20, 21, 22, 23}) co_await degrees.send(each);
  const auto first = co_await degrees.receive();
  co_return std::to_string(*first) + ", " + std::to_string(degrees.dropped()) + " dropped";
}
// [/overflow]

// [cause]
task<std::string> why_it_ended() {
  channel<std::string> pages(2);
  co_await pages.send("ann");
  const auto broken = co_await as_result(fetch("broken"));
  pages.close(broken.error());  // what was sent is received first, then this error
  std::string seen;
  try {
    while (auto page = co_await pages.receive()) seen += *page;
  } catch (const std::runtime_error& why) {
    seen += std::string(", ") + why.what();
  }
  co_return seen;
}
// [/cause]

// [permit]
task<std::size_t> room_before_work() {
  channel<std::string> pages(1);
  auto room = co_await pages.reserve();  // a place, before there is an element
  room.send(co_await fetch("page"));  // neither waits nor fails
  std::string kept = "another page";
  if (!pages.try_send(std::move(kept))) co_return kept.size();  // full: kept was not moved from
  co_return 0;
}
// [/permit]

// [receiver_leaves]
task<bool> nobody_will_receive() {
  channel<int> numbers(0);
  const auto leave = [&]() -> task<> {
    co_await numbers.receive();
    numbers.close_now();  // the receiving side says that it wants no more
  };
  const auto [sent, left] = co_await when_all_settled(produce(numbers), leave);
  co_return sent == errc::channel_closed;  // the second send failed
}
// [/receiver_leaves]

// [once]
task<std::string> first_occurrence() {
  event connected;  // stays set; auto_reset_event wakes one waiter for each set()
  const auto connect = [&]() -> task<> {
    co_await sleep_for(10ms);
    connected.set();  // wakes all waiters
  };
  const auto use_it = [&]() -> task<std::string> {
    co_await connected.wait();
    co_return "connected";
  };
  auto [nothing, text] = co_await when_all(connect, use_it);
  co_return text;
}
// [/once]

}  // namespace

int main() {
  samples all;
  all.expect("channel", sum_through_a_channel(), 15);
  all.expect("oneshot", an_answer(), "42", 10ms);
  all.expect("broadcast", everybody_hears(), "missed 1, two, three");
  all.expect("watch", latest_value_only(), 9);
  all.expect("overflow", never_waits(), "22, 2 dropped");
  all.expect("cause", why_it_ended(), "ann, no answer", 10ms);
  all.expect("permit", room_before_work(), 12U, 10ms);
  all.expect("receiver_leaves", nobody_will_receive(), true);
  all.expect("once", first_occurrence(), "connected", 10ms);
  return all.failures();
}
