// The samples of docs/guide.md: tasks on one loop: files, joins, scopes, channels, computing.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "braid/braid.hpp"

using namespace std::chrono_literals;

namespace {

// [files]
braid::task<std::size_t> copy(std::string from, std::string to) {
  const braid::file in = co_await braid::open_file(from);
  braid::file out = co_await braid::open_file(to, O_WRONLY | O_CREAT | O_TRUNC);
  std::string part(64 << 10, '\0');
  std::size_t copied = 0;
  while (const std::size_t got = co_await in.read_some(part)) {  // 0 is the end of the file
    co_await out.write_all(std::string_view(part).substr(0, got));
    copied += got;
  }
  co_await out.sync();   // on the disk
  co_await out.close();  // says what went wrong; a destructor closes, too, and says nothing
  co_return copied;
}
// [/files]

braid::task<std::string> fetch(std::string what, std::chrono::milliseconds after = 1ms) {
  co_await braid::sleep_for(after);
  if (what == "broken") throw std::runtime_error("no answer");
  co_return "page of " + what;
}
braid::task<std::string> page(int number) { return fetch(std::to_string(number)); }

// [several]
braid::task<> several() {
  // All of them, or the first error: the others are stopped then.
  auto [ann, bob] = co_await braid::when_all(fetch("ann"), fetch("bob"));
  std::printf("%s, %s\n", ann.c_str(), bob.c_str());

  // The same over a range. The view makes the tasks.
  const std::vector<int> numbers{1, 2, 3};
  const auto pages = co_await braid::when_all(numbers | std::views::transform(page));
  std::printf("%s, ..., %s\n", pages.front().c_str(), pages.back().c_str());

  // The first one that succeeds: its index, and its value as a variant.
  auto mirror = co_await braid::first_ok(fetch("broken"), fetch("slow", 1h), fetch("fast", 5ms));
  std::printf("number %zu: %s\n", mirror.index, std::get<2>(mirror.value).c_str());

  // How each one ended. A result<T> is a value or an error.
  auto [good, bad] = co_await braid::when_all_settled(fetch("ann"), fetch("broken"));
  std::printf("%s; %s\n", good->c_str(), bad.error().message().c_str());
}
// [/several]

// [scope]
braid::task<> worker(int number) {
  try {
    co_await braid::sleep_for(1h);
  } catch (const std::system_error& stopped) {
    std::printf("worker %d: %s\n", number, stopped.code().message().c_str());
    throw;  // a cancellation is handed on like any other error
  }
}

braid::task<> team(braid::scope& all) {
  all.spawn(worker(1));  // begins now
  all.spawn(worker(2));
  co_await braid::sleep_for(10ms);
  throw std::runtime_error("enough");  // stops the workers
}

braid::task<> project() {
  const auto ended = co_await braid::as_result(braid::with_scope(team));  // team and both workers have ended
  std::printf("the scope: %s\n", ended ? "done" : ended.error().message().c_str());
}
// [/scope]

// [group]
braid::task<std::string> best_of(braid::task_group<std::string>& mirrors) {
  mirrors.spawn(fetch("slow", 1h));  // each begins now
  mirrors.spawn(fetch("broken"));
  mirrors.spawn(fetch("fast", 5ms));
  while (auto next = co_await mirrors.next()) {  // the result of the first to end, then of the second
    if (*next) {
      mirrors.request_stop();  // the slow one is not needed
      co_return **std::move(next);
    }
    std::printf("a mirror: %s\n", next->error().message().c_str());
  }
  throw std::runtime_error("no mirror answers");
}

braid::task<std::string> page_with_advert(braid::scope& all) {
  auto advert = all.spawn_isolated(fetch("broken"));  // its failure is for its future, not for the scope
  const std::string text = co_await all.spawn(fetch("ann"));
  const auto extra = co_await braid::as_result(std::move(advert));
  co_return text + ", " + (extra ? *extra : "no advert");
}

braid::task<int> port_of_server(braid::scope& all) {
  const auto server = [](braid::promise<int> ready) -> braid::task<> {
    co_await braid::sleep_for(1ms);  // a failure up to here is the failure of start
    ready.set_value(8080);
    co_await braid::sleep_for(1ms);  // and one from here on fails the scope
  };
  co_return co_await all.start<int>(server);  // waits until the server is ready, or has failed
}
// [/group]

// [supervisor]
braid::task<> flaky(int& attempts) {
  co_await braid::sleep_for(1ms);
  if (++attempts < 3) throw std::runtime_error("the connection is lost");
  std::printf("the third attempt holds\n");
}

braid::task<> keep_running() {
  int attempts = 0;
  const auto services = [&](braid::supervisor& all) {
    all.spawn([] { return braid::sleep_for(1h); }, {.name = "cache"});
    all.spawn([&] { return flaky(attempts); }, {.name = "feed", .restart = braid::restart_policy::transient});
  };
  const auto observe = [](const braid::child_report& it) {
    if (it.failure != nullptr && it.pause)
      std::printf("%s begins again: %s\n", std::string(it.name).c_str(), it.failure->message().c_str());
  };
  const braid::supervisor_options how{.restarts = 5, .within = 1min, .base = 1ms};
  auto all = braid::with_supervisor(how, services, observe);  // until it is stopped, or gives up
  (void)co_await braid::as_result(braid::with_timeout(std::move(all), 50ms));  // stops feed, then cache
}
// [/supervisor]

braid::task<> groups() {
  std::printf("%s\n", (co_await braid::with_group<std::string>(best_of)).c_str());
  std::printf("%s\n", (co_await braid::with_scope(page_with_advert)).c_str());
  std::printf("port %d\n", co_await braid::with_scope(port_of_server));
  co_await keep_running();
}

// [stop]
braid::task<long> count_until_stopped(braid::promise<void> begun) {
  const braid::stop_token stop = co_await braid::get_stop_token();  // it came down from the scope
  const auto count = [&] {  // a computation on another thread (chapter 9): no await stops it
    begun.set_value();
    long rounds = 0;
    while (!stop.stop_requested()) ++rounds;
    return rounds;
  };
  co_return co_await braid::offload(count);
}

braid::task<> count_for_a_while() {
  braid::promise<void> begun;
  auto has_begun = begun.get_future();
  const auto say_goodbye = []() -> braid::task<> {
    co_await braid::sleep_for(1ms);  // a clean-up may wait: the stop request does not reach it
    std::printf("said goodbye\n");
  };
  const auto stop_soon = [&](braid::scope& all) -> braid::task<> {
    auto counting = all.spawn(braid::finally(count_until_stopped(std::move(begun)), say_goodbye));
    co_await std::move(has_begun);
    counting.request_stop(braid::stop_reason::shut_down);
    const auto rounds = co_await braid::as_result(std::move(counting));
    std::printf("%s\n", rounds ? "stopped counting" : rounds.error().message().c_str());
  };
  co_await braid::with_scope(stop_soon);
}
// [/stop]

// [values]
const braid::task_local<std::string> request_name("no request");  // outside of every `with`

braid::task<> note(std::string event) {  // needs no parameter for the request's name
  std::printf("%s: %s\n", (co_await request_name.get()).c_str(), event.c_str());
}

braid::task<> answer_a_request() {
  const auto end = co_await braid::current_deadline();
  co_await note(end ? "has a deadline" : "has none");
}

braid::task<> answer_two_requests() {
  co_await braid::when_all(braid::with(request_name, "first", braid::with_timeout(answer_a_request(), 1s)),
                           braid::with(request_name, "second", answer_a_request()));
  co_await note("done");
}
// [/values]

// [sharing]
struct account {
  int cents = 100;
  braid::mutex turn;
};

braid::task<> approval() { co_await braid::sleep_for(1ms); }

braid::task<> withdraw_naively(account& from, int cents) {
  const int before = from.cents;
  co_await approval();  // the other withdrawal runs now,
  from.cents = before - cents;  // and this overwrites what it has written
}

braid::task<> withdraw_at_once(account& from, int cents) {
  co_await approval();
  from.cents -= cents;  // no await between reading and writing: nothing comes in between
}

braid::task<> withdraw_in_turn(account& from, int cents) {
  const auto mine = co_await from.turn.lock();  // until the end of this function
  const int before = from.cents;
  co_await approval();  // the other withdrawal waits for the lock
  from.cents = before - cents;
}

braid::task<> withdraw_twice() {
  account wrong, at_once, in_turn;
  co_await braid::when_all(withdraw_naively(wrong, 30), withdraw_naively(wrong, 50));
  co_await braid::when_all(withdraw_at_once(at_once, 30), withdraw_at_once(at_once, 50));
  co_await braid::when_all(withdraw_in_turn(in_turn, 30), withdraw_in_turn(in_turn, 50));
  std::printf("%d, %d, %d cents\n", wrong.cents, at_once.cents, in_turn.cents);
}
// [/sharing]

// [channel]
braid::task<> produce(braid::channel<int>& numbers) {
  for (int n = 1; n <= 5; ++n) co_await numbers.send(n);  // waits while two elements wait to be received
  numbers.close();
}

braid::task<int> add_up(braid::channel<int>& numbers) {
  int sum = 0;
  while (auto number = co_await numbers.receive()) sum += *number;  // until it is closed and empty
  co_return sum;
}

braid::task<std::string> next_message(braid::channel<std::string>& messages, braid::event& closing) {
  auto next = co_await braid::select(closing.wait(), messages.receive(), braid::sleep_for(20ms));
  if (next.index == 0) co_return "closing";
  if (next.index == 2) co_return "nothing came";
  co_return std::get<1>(next.value).value_or("no more messages");
}
// [/channel]

// [select_running]
braid::task<> wait_with_beats() {
  auto page = braid::spawn(fetch("ann", 180ms));  // runs on, whatever select chooses
  braid::interval beats(70ms);
  while (page.valid()) {
    auto next = co_await braid::select(page, beats.next());
    std::puts(next.index == 0 ? std::get<0>(next.value).c_str() : "still waiting");
  }
}

braid::task<> print_as_they_come() {
  std::vector<braid::future<std::string>> pages;
  pages.push_back(braid::spawn(fetch("bob", 90ms)));
  pages.push_back(braid::spawn(fetch("cydan", 30ms)));
  for (auto left = pages.size(); left > 0; --left) {
    auto next = co_await braid::select(pages);
    std::printf("%zu: %s\n", next.index, next.value.c_str());
  }
}

// Holds at most one element, which it has received and not yet sent.
braid::task<> pass_on(braid::channel<int>& from, braid::channel<int>& to) {
  std::optional<int> kept;
  const auto send_kept = [&] { return to.send(*kept); };
  for (;;) {
    auto next = co_await braid::select(braid::when(!kept, from.receive()),  // one of the two is disabled
                                       braid::when(kept.has_value(), send_kept));
    kept = next.index == 0 ? std::get<0>(next.value) : std::nullopt;
    if (next.index == 0 && !kept) break;  // closed and empty
  }
  to.close();
}

void drain(braid::channel<int>& urgent, braid::channel<int>& usual) {
  while (auto next = braid::try_select(braid::select_order::fair, urgent.receive(), usual.receive()))
    std::printf("%d\n",
                next->index == 0 ? std::get<0>(next->value).value() : std::get<1>(next->value).value());
}
// [/select_running]

// [channel_ends]
braid::task<> fetch_all(braid::channel<std::string>& pages) {
  for (const char* name : {"ann", "bob", "broken"}) {
    const auto page = co_await braid::as_result(fetch(name));
    if (!page) co_return pages.close(page.error());  // the receiver gets the pages first, then this error
    co_await pages.send(*page);
  }
  pages.close();
}

braid::task<> print_all(braid::channel<std::string>& pages) {
  const auto print = [](std::string page) -> braid::task<> { co_return (void) std::puts(page.c_str()); };
  const auto ended = co_await braid::as_result(braid::for_each_concurrent(pages.elements(), 2, print));
  if (!ended) std::printf("these are not all: %s\n", ended.error().message().c_str());
}

std::size_t measure_too_fast() {
  braid::channel<double> degrees(2, braid::overflow::drop_oldest);  // a send never waits
  for (const double each : {20.1, 20.3, 20.2, 20.4}) (void)degrees.try_send(each);
  return degrees.dropped();  // 2: a receive gets 20.2
}
// [/channel_ends]

// [streams]
braid::task<> search_as_typed(braid::channel<std::string>& typed) {
  const auto find = [](std::string text) { return braid::with_timeout(fetch(std::move(text)), 1s); };
  // The searches wait until the typing pauses and has changed something. Two run at once; their order stays.
  auto searches = typed.elements() | braid::debounce(20ms) | braid::distinct();
  auto found = std::move(searches) | braid::transform(find) | braid::buffered(2);
  while (const auto page = co_await found.next()) std::printf("found: %s\n", page->c_str());
}
// [/streams]

braid::task<> type_slowly(braid::channel<std::string>& typed) {
  for (const char* text : {"a", "an", "ann"}) co_await typed.send(text);
  co_await braid::sleep_for(60ms);
  for (const char* text : {"an", "ann"}) co_await typed.send(text);  // nothing new
  co_await braid::sleep_for(60ms);
  co_await typed.send("bob");
  typed.close();
}

braid::task<> search() {
  braid::channel<std::string> typed(4);
  co_await braid::when_all(search_as_typed(typed), type_slowly(typed));
}

braid::task<> pages_through_a_channel() {
  braid::channel<std::string> pages(2);
  co_await braid::when_all(fetch_all(pages), print_all(pages));
  std::printf("%zu measurements are lost\n", measure_too_fast());
}

braid::task<int> pipeline() {
  braid::channel<int> numbers(2);
  auto [nothing, sum] = co_await braid::when_all(produce(numbers), add_up(numbers));
  co_return sum;
}

// [offload]
braid::task<long> on_another_thread(std::vector<int> numbers) {
  const auto sum = [](const std::vector<int>& of) { return std::accumulate(of.begin(), of.end(), 0L); };
  co_return co_await braid::offload(sum, std::move(numbers));  // the operation keeps the numbers
}

braid::task<long> on_this_thread(std::vector<int> numbers) {
  long sum = 0;
  for (std::size_t n = 0; n < numbers.size(); ++n) {
    sum += numbers[n];
    if (n % 1000 == 0) co_await braid::yield();  // other tasks and timers run now
  }
  co_return sum;
}
// [/offload]

// [offload_pool]
std::size_t slow_checksum(braid::stop_token until, const std::string& text) {
  std::size_t sum = 0;
  for (const char each : text) {
    if (until.stop_requested())
      braid::error(std::errc::operation_canceled).rethrow();  // nobody waits any more
    sum = sum * 31 + static_cast<unsigned char>(each);
  }
  return sum;
}

struct checksums {
  braid::offload_pool pool{{.name = "checksum", .threads = 2, .queue = 64}};

  braid::task<std::size_t> of(std::string text) {
    auto op = braid::with_timeout(pool.run(slow_checksum, std::move(text)), 10s);
    co_return co_await std::move(op);  // errc::queue_full if 64 others wait already
  }
};

// A call into a library that may hang: the time-out leaves it behind, with its own copy of the path.
braid::task<bool> is_there(std::string path) {
  const auto asks = [](const std::string& which) { return std::filesystem::exists(which); };
  co_return co_await braid::with_timeout(braid::offload_abandonable(asks, std::move(path)), 2s);
}
// [/offload_pool]

braid::task<> wait_for_messages() {
  braid::channel<std::string> messages(1);
  braid::event closing;
  std::printf("%s\n", (co_await next_message(messages, closing)).c_str());
  co_await messages.send("hello");
  std::printf("%s\n", (co_await next_message(messages, closing)).c_str());
  closing.set();
  std::printf("%s\n", (co_await next_message(messages, closing)).c_str());
}

braid::task<> selects() {
  co_await wait_with_beats();
  co_await print_as_they_come();
  braid::channel<int> from(1), between(1), to(2);
  (void)from.try_send(7);
  from.close();
  co_await braid::when_all(pass_on(from, between), pass_on(between, to));
  std::printf("%d\n", (co_await to.receive()).value());
  braid::channel<int> urgent(1), usual(1);
  (void)urgent.try_send(1), (void)usual.try_send(2);
  drain(urgent, usual);
}

}  // namespace

int main() {
  const auto folder = std::filesystem::temp_directory_path() / ("guide-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string words = folder / "words", copied = folder / "copied";

  braid::loop loop;
  loop.run(braid::write_file(words, "plain words"));
  std::printf("copied %zu bytes\n", loop.run(copy(words, copied)));
  std::printf("%s\n", loop.run(braid::read_file(copied)).c_str());
  std::filesystem::remove_all(folder);

  loop.run(several());
  loop.run(project());
  loop.run(groups());
  loop.run(count_for_a_while());
  loop.run(answer_two_requests());
  loop.run(withdraw_twice());
  std::printf("the sum is %d\n", loop.run(pipeline()));
  loop.run(wait_for_messages());
  loop.run(selects());
  loop.run(pages_through_a_channel());
  loop.run(search());
  const std::vector<int> numbers(10'000, 2);
  std::printf("%ld, %ld\n", loop.run(on_another_thread(numbers)), loop.run(on_this_thread(numbers)));
  checksums sums;
  std::printf("%zu, %d\n", loop.run(sums.of("plain words")), loop.run(is_there("/")));
}
