// What every engine of a queue does with one message, and in which order it delivers many.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "conformance.hpp"
#include "conformance_support.hpp"

namespace braid_tests {

using namespace braid;
using namespace std::chrono_literals;
using messaging::delivery;
using messaging::delivery_failure;
using messaging::group_metrics;
using messaging::group_options;
using messaging::queue;
using messaging::queue_options;

task<> eventually(const std::function<task<bool>()>& holds) {
  for (bool done = false; !done;) {
    done = co_await holds();
    if (!done) co_await sleep_for(1ms);
  }
}

task<group_metrics> counts_of(const queue& in) {
  messaging::queue_metrics now = co_await in.metrics();
  for (group_metrics& each : now.groups)
    if (each.name == "all") co_return std::move(each);
  throw std::logic_error("there is no such group");
}

task<std::string> take_one(queue& from) {
  delivery one = co_await from.receive("all");
  co_await one.ack();
  co_return one.body();
}

task<queue> open_with_all(const queue_opener& opens, group_options how, queue_options options) {
  queue made = co_await opens(options);
  co_await made.make_group("all", how);
  co_return made;
}

namespace {

constexpr group_options long_lease{.attempts = 5, .lease = 1h};
constexpr group_options short_lease{.attempts = 5, .lease = 10ms};

task<> sends_and_acknowledges(const queue_opener& opens) {
  queue jobs = co_await opens({});
  std::error_code why = co_await failure_of(jobs.send("early"));
  CHECK(why == messaging::errc::unknown_group);
  co_await jobs.make_group("all", long_lease);
  co_await jobs.make_group("all", long_lease);
  std::string large(300'000, 'l');
  large[7] = '\0';
  large[8] = '\n';
  const std::uint64_t first = co_await jobs.send("one", {.key = "k"});
  const std::uint64_t second = co_await jobs.send("");
  const messaging::outgoing two[] = {{large}, {"last", {.key = "\r\n"}}};
  const std::vector<std::uint64_t> ids = co_await jobs.send_all(two);
  CHECK((first != 0 && first < second && ids.size() == 2 && second < ids[0] && ids[0] < ids[1]));
  auto now = co_await jobs.metrics();
  CHECK((now.messages == 4 && now.bytes == large.size() + 7 && now.sent == 4 && now.groups[0].ready == 4));
  CHECK((now.groups[0].oldest && !now.groups[0].last_progress));
  std::uint64_t token = 0;
  for (const std::string& body : {std::string("one"), std::string(), large, std::string("last")}) {
    delivery each = co_await jobs.receive("all");
    CHECK((each.body() == body && each.attempt() == 1 && each.token() > token));
    token = each.token();
    if (body == "one") CHECK((each.key() == "k" && each.id() == first));
    if (body == "last") CHECK((each.key() == "\r\n" && each.id() == ids[1]));
    if (body.empty()) CHECK((each.key().empty() && each.id() == second));
    co_await jobs.check();
    co_await each.ack();
    co_await jobs.check();
  }
  why = co_await failure_of(jobs.receive("none"));
  CHECK(why == messaging::errc::unknown_group);
  now = co_await jobs.metrics();
  CHECK((now.messages == 0 && now.bytes == 0 && now.groups[0].acknowledged == 4));
  CHECK((now.groups[0].deliveries == 4 && !now.groups[0].oldest && now.groups[0].last_progress));
  co_await jobs.close();
  why = co_await failure_of(jobs.send("late"));
  CHECK(why == messaging::errc::queue_closed);
}

task<> refuses_wrong_arguments(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, long_lease, {.most_bytes = 100, .most_message_bytes = 90});
  const std::string long_key(1001, 'k'), too_long(91, 'x'), half(60, 'h');
  const messaging::outgoing two[] = {{half}, {half}}, one_wrong[] = {{"fine"}, {too_long}};
  std::vector<std::error_code> all;
  all.push_back(co_await failure_of(jobs.send("x", {.key = long_key})));
  all.push_back(co_await failure_of(jobs.send("x", {.priority = 10})));
  all.push_back(co_await failure_of(jobs.send("x", {.priority = -1})));
  all.push_back(co_await failure_of(jobs.make_group("")));
  all.push_back(co_await failure_of(jobs.make_group("b", {.attempts = 0})));
  all.push_back(co_await failure_of(jobs.make_group("b", {.lease = 0s})));
  for (const std::error_code& each : all) CHECK(each == braid::errc::exception);  // std::invalid_argument
  std::error_code why = co_await failure_of(jobs.send_all(two));  // it never fits
  CHECK(why == std::errc::message_size);
  why = co_await failure_of(jobs.send_all(one_wrong));
  CHECK(why == std::errc::message_size);
  const auto now = co_await jobs.metrics();
  CHECK((now.messages == 0 && now.groups.size() == 1));
  co_await jobs.close();
}

task<> refused_message_comes_again(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, {.attempts = 9, .lease = 1h});
  const std::uint64_t id = co_await jobs.send("one");
  delivery first = co_await jobs.receive("all");
  co_await first.nack(0s, "not yet");
  delivery second = co_await jobs.receive("all");
  CHECK((second.id() == id && second.attempt() == 2 && second.token() > first.token()));
  co_await second.nack(1h);
  group_metrics now = co_await counts_of(jobs);
  CHECK((now.delayed == 1 && now.leased == 0 && now.ready == 0 && now.failures == 2));
  co_await jobs.check();
  (void)co_await jobs.send("two");
  delivery other = co_await jobs.receive("all");  // the delayed one does not come
  CHECK(other.body() == "two");
  co_await other.nack(5ms);
  delivery later = co_await jobs.receive("all");
  CHECK((later.body() == "two" && later.attempt() == 2));
  std::error_code why = co_await failure_of(other.ack());
  CHECK(why == messaging::errc::stale_token);
  co_await later.ack();
  co_await jobs.check();
  co_await jobs.close();
}

task<> stale_token_is_refused(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, short_lease);
  (void)co_await jobs.send("one");
  delivery first = co_await jobs.receive("all");
  co_await jobs.make_group("all", long_lease);
  delivery second = co_await jobs.receive("all");  // once the first lease has ended
  CHECK((second.id() == first.id() && second.token() > first.token() && second.attempt() == 2));
  const messaging::outgoing more[] = {{"more"}};
  std::vector<std::error_code> all;
  all.push_back(co_await failure_of(first.ack()));
  all.push_back(co_await failure_of(first.nack(0s, "late")));
  all.push_back(co_await failure_of(first.extend(1h)));
  all.push_back(co_await failure_of(first.ack_and_send(more)));
  for (const std::error_code& each : all) CHECK(each == messaging::errc::stale_token);
  group_metrics now = co_await counts_of(jobs);
  CHECK((now.leased == 1 && now.ready == 0 && now.stale == 4 && now.failures == 1));
  co_await second.ack();
  const std::error_code why = co_await failure_of(second.ack());
  CHECK(why == messaging::errc::stale_token);
  const auto total = co_await jobs.metrics();
  CHECK((total.messages == 0 && total.groups[0].stale == 5));
  co_await jobs.check();
  co_await jobs.close();
}

task<> lease_ends_though_nobody_waits(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, long_lease);
  (void)co_await jobs.send("one");
  delivery first = co_await jobs.receive("all");
  co_await first.extend(2h);
  co_await first.extend(1ms);
  const std::function<task<bool>()> is_refused = [&]() -> task<bool> {
    const std::error_code why = co_await failure_of(first.extend(1ms));
    co_return why == messaging::errc::stale_token;
  };
  co_await eventually(is_refused);
  std::error_code why = co_await failure_of(first.ack());
  CHECK(why == messaging::errc::stale_token);
  delivery second = co_await jobs.receive("all");
  CHECK(second.attempt() == 2);
  { delivery dropped = std::move(second); }
  delivery third = co_await jobs.receive("all");
  CHECK(third.attempt() == 3);
  co_await third.ack();
  co_await jobs.close();
}

task<> attempts_outlive_the_process(const queue_opener& opens) {
  for (std::uint32_t round = 1; round != 4; ++round) {
    queue jobs = co_await open_with_all(opens, {.attempts = 3, .lease = 5ms});
    if (round == 1) (void)co_await jobs.send("poison");
    delivery held = co_await jobs.receive("all");
    CHECK((held.body() == "poison" && held.attempt() == round));
  }  // without close: its process might have ended
  queue jobs = co_await open_with_all(opens, {.attempts = 3, .lease = 1h});
  (void)co_await jobs.send("good");
  const std::string next = co_await take_one(jobs);
  CHECK(next == "good");
  const std::function<task<bool>()> is_dead = [&]() -> task<bool> {
    const auto all = co_await jobs.dead_letters("all");
    co_return all.size() == 1;
  };
  co_await eventually(is_dead);
  const auto dead = co_await jobs.dead_letters("all");
  CHECK((dead[0].attempts == 3 && dead[0].failures.size() == 3 && dead[0].bytes == 6));
  for (const messaging::failed_delivery& each : dead[0].failures)
    CHECK((each.how != delivery_failure::none && each.how != delivery_failure::refused));
  co_await jobs.check();
  co_await jobs.close();
}

task<> closing_burns_no_attempt(const queue_opener& opens) {
  {
    queue jobs = co_await open_with_all(opens, long_lease);
    (void)co_await jobs.send("one");
    delivery held = co_await jobs.receive("all");
    auto waiting = spawn(jobs.receive("all"));
    co_await jobs.close();
    auto ending = as_result(std::move(waiting));
    const auto ended = co_await std::move(ending);
    CHECK((!ended && ended.error() == make_error_code(messaging::errc::queue_closed)));
    const std::error_code why = co_await failure_of(held.ack());
    CHECK(why == messaging::errc::queue_closed);
    co_await jobs.close();
  }
  queue jobs = co_await opens({});
  delivery again = co_await jobs.receive("all");
  CHECK((again.attempt() == 1 && again.body() == "one"));
  co_await again.ack();
  co_await jobs.close();
}

task<> cancelled_receive_takes_nothing(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, long_lease);
  for (int i = 0; i != 20; ++i) {
    stop_source stop;
    auto receiving = spawn(with_stop_token(jobs.receive("all"), stop.get_token()));
    if (i == 10) (void)co_await jobs.send("one");
    for (int turns = 0; turns != i % 10; ++turns) co_await sleep_for(50us);
    stop.request_stop();
    auto ending = as_result(std::move(receiving));
    result<delivery> ended = co_await std::move(ending);
    if (!ended) CHECK(ended.error() == std::errc::operation_canceled);
    if (ended) CHECK((i >= 10 && ended->attempt() == 1));
    if (ended) co_await ended->ack();
    if (ended) (void)co_await jobs.send("one");
  }
  delivery one = co_await jobs.receive("all");
  CHECK(one.attempt() == 1);
  co_await one.ack();
  co_await jobs.check();
  co_await jobs.close();
}

task<> each_group_gets_each_message(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, long_lease);
  co_await jobs.make_group("b", long_lease);
  (void)co_await jobs.send("one");
  co_await jobs.make_group("late", long_lease);
  (void)co_await jobs.send("two");
  for (const char* const group : {"all", "b"}) {
    delivery first = co_await jobs.receive(group), second = co_await jobs.receive(group);
    CHECK((first.body() == "one" && second.body() == "two"));
    co_await first.ack();
    co_await jobs.check();
    co_await second.nack(0s);
  }
  const auto now = co_await jobs.metrics();
  CHECK((now.messages == 1 && now.groups.size() == 3 && now.groups[2].ready == 1));
  delivery late = co_await jobs.receive("late");
  CHECK((late.body() == "two" && late.attempt() == 1));
  co_await late.ack();
  co_await jobs.check();
  co_await jobs.close();
}

task<> keys_keep_their_order(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, {.attempts = 2, .lease = 1h});
  for (const char* const body : {"a1", "a2", "b1", "a3", "b2"}) {
    const std::string_view key(body, 1);
    (void)co_await jobs.send(body, {.key = key, .priority = body[1] - '0'});
  }
  (void)co_await jobs.send("free");
  delivery a1 = co_await jobs.receive("all"), b1 = co_await jobs.receive("all");
  CHECK((a1.body() == "a1" && b1.body() == "b1" && a1.key() == "a"));
  delivery free = co_await jobs.receive("all");
  CHECK(free.body() == "free");
  group_metrics now = co_await counts_of(jobs);
  CHECK((now.ready == 3 && now.leased == 3));
  co_await b1.ack();
  delivery b2 = co_await jobs.receive("all");
  CHECK(b2.body() == "b2");
  co_await a1.nack(5ms, "once");  // the key waits for its head
  co_await jobs.check();
  delivery again = co_await jobs.receive("all");
  CHECK(again.body() == "a1");
  co_await again.nack(1h, "twice");  // dead: the next one's turn
  co_await jobs.check();
  delivery a2 = co_await jobs.receive("all");
  CHECK(a2.body() == "a2");
  const std::size_t redriven = co_await jobs.redrive("all", {.key = "a"});
  CHECK(redriven == 1);
  co_await jobs.check();
  co_await jobs.make_group("all", {.attempts = 2, .lease = 1h, .key_limit = 2});
  delivery head = co_await jobs.receive("all");
  CHECK((head.body() == "a1" && head.attempt() == 1));
  co_await jobs.make_group("all", {.attempts = 2, .lease = 1h, .key_limit = 3});
  delivery a3 = co_await jobs.receive("all");
  CHECK(a3.body() == "a3");
  for (delivery* const each : {&a3, &a2, &head, &b2, &free}) co_await each->ack();
  co_await jobs.check();
  const auto total = co_await jobs.metrics();
  CHECK(total.messages == 0);
  co_await jobs.close();
}

task<> priorities_starve_nobody(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, long_lease);
  for (int i = 0; i != 40; ++i) {
    (void)co_await jobs.send("h", {.priority = 9});
    if (i < 2) (void)co_await jobs.send("l");
  }
  (void)co_await jobs.send("m", {.priority = 5});
  std::string all;
  for (int i = 0; i != 43; ++i) all += co_await take_one(jobs);
  CHECK((all.find('l') == 16 || all.find('m') == 16));
  CHECK((all.rfind('l') < 43 && all.find('h') == 0 && all.back() == 'h'));
  co_await jobs.close();
}

task<> delayed_message_waits(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, long_lease);
  (void)co_await jobs.send("never", {.delay = 1h});
  auto waiting = spawn(jobs.receive("all"));
  (void)co_await jobs.send("soon", {.delay = 5ms});
  delivery one = co_await std::move(waiting);
  CHECK(one.body() == "soon");
  (void)co_await jobs.send("head", {.key = "k", .delay = 10ms});
  (void)co_await jobs.send("next", {.key = "k"});
  for (const char* const wanted : {"head", "next"}) {
    const std::string body = co_await take_one(jobs);
    CHECK(body == wanted);
  }
  const group_metrics now = co_await counts_of(jobs);
  CHECK((now.delayed == 1 && now.leased == 1 && now.ready == 0));
  co_await one.ack();
  co_await jobs.check();
  co_await jobs.close();
}

task<> repeated_key_sends_nothing(const queue_opener& opens) {
  std::uint64_t first = 0;
  {
    queue jobs = co_await open_with_all(opens, long_lease);
    first = co_await jobs.send("one", {.idempotency_key = "i"});
    const std::uint64_t again = co_await jobs.send("other", {.idempotency_key = "i"});
    CHECK(first == again);
    const messaging::outgoing three[] = {
        {"a", {.idempotency_key = "i"}}, {"b", {.idempotency_key = "m"}}, {"c", {.idempotency_key = "m"}}};
    const auto ids = co_await jobs.send_all(three);
    CHECK((ids.size() == 3 && ids[0] == first && ids[1] == ids[2] && ids[1] > first));
    const auto now = co_await jobs.metrics();
    CHECK((now.messages == 2 && now.sent == 2 && now.duplicates == 3));
    co_await jobs.close();
  }
  {
    queue jobs = co_await opens({});
    const std::string body = co_await take_one(jobs), other = co_await take_one(jobs);
    CHECK((body == "one" && other == "b"));
    const std::uint64_t still = co_await jobs.send("one", {.idempotency_key = "i"});  // though it is finished
    CHECK(still == first);
    co_await jobs.close();
  }
  queue jobs = co_await opens({.idempotency_window = 5ms});
  const std::uint64_t short_lived = co_await jobs.send("x", {.idempotency_key = "s"});
  const std::function<task<bool>()> is_sent_again = [&]() -> task<bool> {
    const std::uint64_t id = co_await jobs.send("x", {.idempotency_key = "s"});
    co_return id != short_lived;
  };
  co_await eventually(is_sent_again);
  co_await jobs.check();
  co_await jobs.close();
}

task<> acknowledging_sends_or_does_neither(const queue_opener& opens) {
  queue jobs = co_await open_with_all(opens, long_lease, {.most_messages = 1});
  (void)co_await jobs.send("first");
  delivery first = co_await jobs.receive("all");
  const messaging::outgoing two[] = {{"second"}, {"third", {.idempotency_key = "i"}}};
  const auto ids = co_await first.ack_and_send(two);  // beyond the bound
  auto now = co_await jobs.metrics();
  CHECK((ids.size() == 2 && now.messages == 2));
  std::error_code why = co_await failure_of(first.ack_and_send(two));
  CHECK(why == messaging::errc::stale_token);
  why = co_await failure_of(jobs.try_send("x"));
  CHECK(why == messaging::errc::queue_full);
  delivery second = co_await jobs.receive("all");
  const auto none = co_await second.ack_and_send(std::span(two).subspan(1));  // sent before
  now = co_await jobs.metrics();
  CHECK((none[0] == ids[1] && now.messages == 1 && second.body() == "second"));
  co_await jobs.check();
  co_await jobs.close();
}

}  // namespace

std::span<const queue_case> delivery_cases() {
  static constexpr std::array all{
      queue_case{"sends, delivers and acknowledges", sends_and_acknowledges},
      queue_case{"refuses wrong arguments", refuses_wrong_arguments},
      queue_case{"a refused message comes again, at once or later", refused_message_comes_again},
      queue_case{"a stale token is refused", stale_token_is_refused},
      queue_case{"a lease ends, and is extended", lease_ends_though_nobody_waits},
      queue_case{"attempts are counted before the delivery", attempts_outlive_the_process},
      queue_case{"closing burns no attempt", closing_burns_no_attempt},
      queue_case{"a cancelled receive takes nothing", cancelled_receive_takes_nothing},
      queue_case{"each group gets each message", each_group_gets_each_message},
      queue_case{"keys keep their order", keys_keep_their_order},
      queue_case{"priorities starve nobody", priorities_starve_nobody},
      queue_case{"a delayed message waits", delayed_message_waits},
      queue_case{"a repeated idempotency key sends nothing", repeated_key_sends_nothing},
      queue_case{"acknowledging sends, or does neither", acknowledging_sends_or_does_neither},
  };
  return all;
}

}  // namespace braid_tests
