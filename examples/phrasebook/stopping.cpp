// The samples of docs/phrasebook.md: stopping, time, and values that flow down.
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "sample.hpp"

using namespace braid;

namespace {

// [token]
task<int> stop_all_of_them() {
  stop_source shutdown;
  auto ann = spawn(with_stop_token(fetch("ann", 1h), shutdown.get_token()));
  auto bob = spawn(with_stop_token(fetch("bob", 1h), shutdown.get_token()));
  shutdown.request_stop();
  auto [one, two] = co_await when_all_settled(std::move(ann), std::move(bob));
  co_return (one == std::errc::operation_canceled) + (two == std::errc::operation_canceled);
}
// [/token]

// [look]
task<int> look_at_the_token(stop_source& stop) {
  const stop_token asked = co_await get_stop_token();  // flows down from the caller; pass no parameter
  int steps = 0;
  while (!asked.stop_requested())  // a computation that awaits nothing
    if (++steps == 1000) stop.request_stop();
  co_return steps;
}
// [/look]

// [on_stop]
task<std::string> until_stopped(std::vector<std::string>& log) {
  const stop_callback note(co_await get_stop_token(), [&]() noexcept { log.push_back("called"); });
  co_await stop_requested();  // ctx.Done(): it completes, and later awaits fail as cancelled
  log.push_back("resumed");
  co_return "goodbye";
}
// [/on_stop]

// [reason]
constexpr stop_reason new_settings = of_program(1);  // there are some by braid: timed_out, shut_down, …

task<bool> says_why() {
  stop_source stop;
  auto page = spawn(with_stop_token(fetch("page", 1h), stop.get_token()));
  stop.request_stop(new_settings);
  const auto ended = co_await as_result(std::move(page));
  co_return !ended && ended.error().stop_reason() == new_settings;  // a task asks get_stop_token().reason()
}
// [/reason]

// [timeout]
task<std::string> fails_when_too_slow() {
  co_return co_await with_timeout(fetch("slow", 1h), 1s);  // std::errc::timed_out, once fetch has ended
}
// [/timeout]

// [move_on]
task<std::string> goes_on_when_too_slow() {
  const auto page = co_await as_result(with_timeout(fetch("slow", 1h), 1s));
  if (page == std::errc::timed_out) co_return "yesterday's page";
  co_return page.value();  // throws what fetch threw
}
// [/move_on]

// [deadline]
task<std::string> ask_within_the_deadline() {
  const auto end = co_await current_deadline();  // the earliest one around the caller
  const auto left = *end - loop_clock::now();
  if (left < 100ms) co_return "too late to ask";
  co_return co_await fetch("page", 400ms);
}

task<std::string> one_deadline_for_both() {
  const auto end = loop_clock::after(450ms);
  const std::string first = co_await with_deadline(ask_within_the_deadline(), end);
  co_return first + ", " + co_await with_deadline(ask_within_the_deadline(), end);
}
// [/deadline]

// [idle]
task<int> lines_until_silence(channel<std::string>& lines) {
  interval silence(1s);
  for (int seen = 0;; ++seen) {
    silence.reset();  // moves the end of the wait
    const auto next = co_await select(lines.receive(), silence.next());
    if (next.index == 1) co_return seen;
  }
}
// [/idle]

// [shield]
task<> save(bool& saved) {
  co_await sleep_for(10ms);
  saved = true;
}

task<> save_at_once(bool& saved) {
  co_await shield(save(saved));  // a stop request does not reach it; the caller waits until it has ended
  co_await sleep_for(1h);
}
// [/shield]

// [finally]
task<> work_and_save(bool& saved) {
  const auto clean_up = [&saved] { return save(saved); };  // may wait, which a destructor may not
  co_await finally(sleep_for(1h), clean_up);  // also if the sleep fails or is stopped
}
// [/finally]

// [interval]
task<int> beats_in_a_second() {
  interval ticks(100ms, missed_beats::delay);
  const auto end = loop_clock::after(1s);
  int beats = 0;
  for (; loop_clock::now() < end; ++beats) co_await ticks.next();
  co_return beats;
}
// [/interval]

// [sleep]
task<bool> sleep_a_day() {
  const auto noon = loop_clock::after(12h);
  co_await sleep_for(11h);
  co_await sleep_until(noon);
  co_return loop_clock::now() >= noon;
}
// [/sleep]

// [value]
const task_local<std::string> request_name("no request");

task<std::string> log_line(std::string what) {  // has no parameter for the request's name
  co_return co_await request_name.get() + ": " + what;
}

task<std::string> two_requests() {
  const auto [one, two] = co_await when_all(with(request_name, "first", log_line("begun")),
                                            with(request_name, "second", log_line("begun")));
  co_return one + ", " + two + ", " + co_await log_line("done");
}
// [/value]

template <class Make>
task<bool> stopped_after(std::chrono::milliseconds time, Make work) {
  bool saved = false;
  const auto ended = co_await as_result(with_timeout(work(saved), time));
  co_return saved&& ended == std::errc::timed_out;
}

task<int> stop_after_1000_steps() {
  stop_source stop;
  co_return co_await with_stop_token(look_at_the_token(stop), stop.get_token());
}

task<std::string> notice_the_stop() {
  std::vector<std::string> log;
  const std::string last = co_await with_timeout(until_stopped(log), 1s);
  co_return log.at(0) + ", " + log.at(1) + ", " + last;
}

task<int> three_lines() {
  channel<std::string> lines(0);
  const auto send = [&]() -> task<> {
    for (const char* line : {"one", "two", "three"}) {
      co_await sleep_for(900ms);
      co_await lines.send(line);
    }
  };
  auto [nothing, seen] = co_await when_all(send, lines_until_silence(lines));
  co_return seen;
}

}  // namespace

int main() {
  samples all;
  all.expect("token", stop_all_of_them(), 2);
  all.expect("look", stop_after_1000_steps(), 1000);
  all.expect("on_stop", notice_the_stop(), "called, resumed, goodbye", 1s);
  all.expect("reason", says_why(), true);
  all.expect("timeout", as_result(fails_when_too_slow()), std::errc::timed_out, 1s);
  all.expect("move_on", goes_on_when_too_slow(), "yesterday's page", 1s);
  all.expect("deadline", one_deadline_for_both(), "page, too late to ask", 400ms);
  all.expect("idle", three_lines(), 3, 3700ms);
  all.expect("shield", stopped_after(5ms, save_at_once), true, 10ms);
  all.expect("finally", stopped_after(1s, work_and_save), true, 1010ms);
  all.expect("interval", beats_in_a_second(), 10, 1s);
  all.expect("sleep", sleep_a_day(), true, 12h);
  all.expect("value", two_requests(), "first: begun, second: begun, no request: done");
  return all.failures();
}
