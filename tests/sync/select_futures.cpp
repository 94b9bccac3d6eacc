// select over operations that run: futures.

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/interval.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/promise.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/select.hpp"
#include "braid/sync/try_select.hpp"
#include "braid/sync/when.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "loop_thread.hpp"
#include "sanitized.hpp"
#include "scripted_choices.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

task<int> later(loop_clock::duration pause, int value) {
  co_await sleep_for(pause);
  co_return value;
}
task<int> fails() {
  co_await yield();
  throw std::runtime_error("no page");
}

}  // namespace

TEST_CASE("select: a future that loses goes on, and wins later", "[select][future]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  sim::virtual_time time;
  loop here;
  auto page = spawn(later(50ms, 7));
  interval ticks(20ms);
  for (int beat = 0; beat < 2; ++beat) {
    const auto first = style.wait(select(page, ticks.next()));
    REQUIRE(first);
    CHECK(first->index == 1);
    CHECK(page.valid());
  }
  const auto last = style.wait(select(ticks.next(), page));
  REQUIRE(last);
  CHECK(last->index == 1);
  CHECK(std::get<1>(last->value) == 7);
  CHECK_FALSE(page.valid());
}

TEST_CASE("select: takes a future that is settled already in every style", "[select][future]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto page = make_ready_future(std::make_unique<int>(3));
  channel<int> none(1);
  auto made = style.wait(select(none.receive(), page));
  REQUIRE(made);
  CHECK(made->index == 1);
  CHECK(*std::get<1>(made->value) == 3);
}

TEST_CASE("select: an operation's failure is the select's, and its future is moved from",
          "[select][future]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  loop here;
  auto page = spawn(fails());
  event never;
  const auto made = style.wait(select(never.wait(), page));
  REQUIRE_FALSE(made);
  CHECK_THAT(made.error().message(), contains("no page"));
  CHECK_FALSE(page.valid());
}

TEST_CASE("select: the error of a future that was not chosen stays in it", "[select][future]") {
  loop here;
  auto page = spawn(fails());
  channel<int> numbers(1);
  REQUIRE(numbers.try_send(1));
  here.run(yield());
  here.run(yield());
  REQUIRE(page.is_ready());
  CHECK(here.run(select(numbers.receive(), page)).index == 0);
  CHECK_THROWS_WITH(here.run(std::move(page)), contains("no page"));
}

TEST_CASE("select: stopped, it leaves the operation behind a future running", "[select][future][stop]") {
  sim::virtual_time time;
  loop here;
  auto page = spawn(later(10ms, 7));
  event never;
  auto chosen = spawn(select(page, never.wait()));
  here.run(yield());
  chosen.request_stop();
  CHECK(here.run(as_result(std::move(chosen))).error() == std::errc::operation_canceled);
  CHECK(here.run(std::move(page)) == 7);
}

TEST_CASE("select: a future that is settled in the step of the stop request keeps its value",
          "[select][future][stop]") {
  loop here;
  promise<int> asked;
  auto page = asked.get_future();
  event never;
  auto chosen = spawn(select(page, never.wait()));
  here.run(yield());
  const bool settled_first = GENERATE(true, false);
  if (settled_first) asked.set_value(7);
  chosen.request_stop();
  if (!settled_first) asked.set_value(7);
  CHECK(here.run(as_result(std::move(chosen))).error() == std::errc::operation_canceled);
  REQUIRE(page.is_ready());
  CHECK(here.run(std::move(page)) == 7);
}

TEST_CASE("select: the operation that a future stands for can be stopped meanwhile",
          "[select][future][stop]") {
  loop here;
  auto page = spawn(later(1h, 7));
  event never;
  auto chosen = spawn(select(page, never.wait()));
  here.run(yield());
  page.request_stop();
  const auto ended = here.run(as_result(std::move(chosen)));
  CHECK(ended.error() == std::errc::operation_canceled);
  CHECK_FALSE(ended.error().is_requested_cancellation());  // it was not requested of the select
}

TEST_CASE("select: takes the futures of a range as their operations end", "[select][future][range]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  sim::virtual_time time;
  loop here;
  std::vector<future<int>> pages;
  for (const int n : {3, 1, 2}) pages.push_back(spawn(later(n * 1ms, n)));
  std::vector<std::size_t> order;
  std::vector<int> values;
  for (std::size_t left = pages.size(); left > 0; --left) {
    const auto made = style.wait(select(pages));
    REQUIRE(made);
    order.push_back(made->index);
    values.push_back(made->value);
  }
  CHECK(order == std::vector<std::size_t>{1, 2, 0});
  CHECK(values == std::vector{1, 2, 3});
  CHECK_THROWS_AS(style.wait(select(pages)).value(), std::invalid_argument);  // all have given their result
}

TEST_CASE("select: takes the children of a scope", "[select][future][scope]") {
  sim::virtual_time time;
  loop here;
  const auto body = [](scope& all) -> task<int> {
    std::vector<scope::child<int>> children;
    for (const int n : {2, 1}) children.push_back(all.spawn(later(n * 1ms, n)));
    auto alone = all.spawn(later(5ms, 5));
    int sum = 0;
    auto first = co_await select(children, alone);
    sum += std::get<0>(first.value).value;
    auto second = co_await select(alone, children);
    sum += 10 * std::get<1>(second.value).value;
    auto third = co_await select(children, alone);
    co_return sum + 100 * std::get<1>(third.value);
  };
  CHECK(here.run(with_scope(body)) == 521);
}

TEST_CASE("select: a future with several waiters is a logic error", "[select][future]") {
  loop here;
  promise<int> asked;
  auto page = asked.get_future();
  event never;
  CHECK_THROWS_AS(here.run(select(page, page)), std::logic_error);
  auto waits = spawn(select(page, never.wait()));
  here.run(yield());
  CHECK_THROWS_WITH(here.run(select(never.wait(), page)),
                    contains("another operation waits for this future"));
  asked.set_value(1);
  CHECK(here.run(std::move(waits)).index == 0);
}

TEST_CASE("select: a future that is moved while a select waits for it keeps its value", "[select][future]") {
  loop here;
  promise<int> asked;
  auto page = asked.get_future();
  event never;
  auto waits = spawn(select(page, never.wait()));
  here.run(yield());
  auto moved = std::move(page);
  asked.set_value(1);
  CHECK_THROWS_WITH(here.run(std::move(waits)), contains("the future was moved"));
  CHECK(here.run(std::move(moved)) == 1);
}

TEST_CASE("select: a loop's end destroys it, and its future can be dropped", "[select][future][ending]") {
  promise<int> asked;
  auto page = asked.get_future();
  event never;
  const bool settled = GENERATE(false, true);
  {
    loop here;
    auto waits = spawn(select(page, never.wait()));
    here.run(yield());
    if (settled) asked.set_value(1);
  }
  if (!settled) asked.set_value(1);
  if (page.valid()) CHECK(std::move(page).get() == 1);
  CHECK((settled || !page.valid()));  // the loop's last turn may have given the value to the select
}

TEST_CASE("select: futures that other threads settle are all received, whatever else is chosen",
          "[select][future][threads]") {
  loop here;
  loop_thread elsewhere;
  const int rounds = sanitized ? 300 : 3'000;
  int received = 0, beats = 0;
  here.run([&]() -> task<> {
    channel<int> pings(1);
    for (int round = 0; round < rounds; ++round) {
      promise<int> asked;
      auto page = asked.get_future();
      auto settle = [&] { asked.set_value(round); };
      auto ping = [&]() -> task<> {
        co_await yield();
        (void)pings.try_send(1);
      };
      auto pinged = spawn(ping);
      elsewhere.there().post(settle);
      if (round % 3 == 0) (void)pings.try_send(1);
      while (page.valid()) {
        auto made = co_await select(pings.receive(), page);
        if (made.index == 0)
          ++beats;
        else
          received += std::get<1>(made.value) == round ? 1 : 0;
      }
      co_await std::move(pinged);
    }
  });
  CHECK(received == rounds);
  CHECK(beats > 0);
}

TEST_CASE("select: destroyed while another thread settles its future, it leaves the future whole",
          "[select][future][threads][ending]") {
  const int rounds = sanitized ? 50 : 500;
  int values = 0;
  for (int round = 0; round < rounds; ++round) {
    promise<int> asked;
    auto page = asked.get_future();
    event never;
    std::thread other;
    {
      loop here;
      auto waits = spawn(select(page, never.wait()));
      here.turn(false);
      other = std::thread([&] { asked.set_value(round); });
      if (round % 2 == 0) here.turn(false);
    }
    other.join();
    values += page.valid() ? (std::move(page).get() == round ? 1 : 0) : 1;  // else the select had taken it
  }
  CHECK(values == rounds);
}

TEST_CASE("select: can be stopped at each suspension; no result of a future is lost",
          "[select][future][stop]") {
  const auto suspensions = every_cancellation([]() -> task<> {
    channel<int> numbers(0);
    const auto results = [](scope& all, channel<int>& from) -> task<int> {
      std::array pages{all.spawn(later(1ms, 1)), all.spawn(later(2ms, 2))};
      auto alone = all.spawn(later(1ms, 4));
      int sum = 0, left = 6;
      while (left-- > 0) {
        auto made = co_await select(from.receive(), pages, when(alone.valid(), alone));
        if (made.index == 0) sum += 100 * std::get<0>(made.value).value_or(0);
        if (made.index == 1) sum += std::get<1>(made.value).value;
        if (made.index == 2) sum += std::get<2>(made.value);
      }
      co_return sum;
    };
    const auto sends = [](channel<int>& to) -> task<> {
      for (int n = 0; n < 3; ++n) co_await to.send(1);
    };
    int sum = 0;
    const auto body = [&](scope& all) -> task<> {
      all.spawn(sends(numbers));
      sum = co_await results(all, numbers);
    };
    co_await with_scope(body);
    CHECK(sum == 307);
  });
  CHECK(suspensions > 6);
}

TEST_CASE("select: a hundred thousand selects that a future loses allocate nothing",
          "[select][future][scale][allocation]") {
  loop here;
  promise<int> asked;
  auto page = asked.get_future();
  std::vector<future<int>> more;
  promise<int> another;
  more.push_back(another.get_future());
  channel<int> numbers(1);
  const auto choose = [&](int times) -> task<> {
    for (int n = 0; n < times; ++n) {
      (void)numbers.try_send(n);
      (void)co_await select(page, numbers.receive());
      auto waits = when_all(select(page, more, numbers.receive()), numbers.send(n));
      (void)co_await std::move(waits);
    }
  };
  here.run(choose(10));
  const allocation_count count;
  here.run(choose(50'000));
  const std::size_t made = count.made();
  CHECK(made <= (sanitized ? 50'010 : 0));  // the array of the range, which a sanitized pool gives back
  asked.set_value(1);
  another.set_value(2);
}

// ---- every order of events ------------------------------------------------------------------------------

namespace {

enum class step : unsigned char { begin, settle_0, settle_1, send, stop, turn };
constexpr std::size_t kinds = 6;

// In which form the select is given.
enum class form : unsigned char { futures_first, channel_first, as_range, fair, without_second, only_now };

using outcomes = std::vector<std::string>;

// What must happen. The operations are, in this order: future 0, the channel, future 1.
struct future_model {
  form how;
  std::array<bool, 2> settled{}, taken{};
  std::vector<std::size_t> arrived = {};  // futures whose end a turn brings to the waiting select
  int elements = 0;
  bool waiting = false;
  std::string decided = {};
  outcomes all = {};

  [[nodiscard]] bool takes_part(std::size_t i) const {
    return !taken[i] && (i == 0 || how != form::without_second);
  }
  bool take_future(std::size_t i) {
    if (!takes_part(i) || !settled[i]) return false;
    taken[i] = true;
    all.push_back("future " + std::to_string(i));
    return true;
  }
  bool take_element() {
    if (elements == 0) return false;
    --elements;
    all.emplace_back("element");
    return true;
  }
  void begin() {
    if (waiting) return;
    bool made = false;
    switch (how) {
      case form::futures_first:
      case form::without_second:
      case form::only_now: made = take_future(0) || take_element() || take_future(1); break;
      case form::channel_first:
      case form::as_range: made = take_element() || take_future(0) || take_future(1); break;
      case form::fair: made = take_future(1) || take_future(0) || take_element(); break;
    }
    if (made) return;
    if (how == form::only_now)
      all.emplace_back("nothing");
    else
      waiting = true;
  }
  void settle(std::size_t i) {
    if (settled[i]) return;
    settled[i] = true;
    if (waiting && takes_part(i)) arrived.push_back(i);
  }
  void send() {
    if (waiting && decided.empty())
      decided = "element";
    else
      ++elements;
  }
  void stop() {
    if (waiting && decided.empty()) decided = "stopped";
  }
  void turn() {
    if (!waiting) return;
    if (decided.empty() && !arrived.empty()) {
      taken[arrived.front()] = true;
      decided = "future " + std::to_string(arrived.front());
    }
    arrived.clear();
    if (decided.empty()) return;
    all.push_back(std::exchange(decided, {}));
    waiting = false;
  }
};

class future_program {
 public:
  explicit future_program(form how) : how_(how) {
    for (std::size_t i = 0; i < 2; ++i) pages_[i] = asked_[i].get_future();
  }
  ~future_program() {
    if (waiting_) stop_->request_stop();
    turn();
  }
  void begin() {
    if (waiting_) return;
    stop_ = std::make_unique<stop_source>();
    scripted_choices::next = 2;
    switch (how_) {
      case form::futures_first: return start_one(select(pages_[0], numbers_.receive(), pages_[1]));
      case form::channel_first: return start_one(select(numbers_.receive(), pages_[0], pages_[1]));
      case form::as_range: return start_one(select(numbers_.receive(), pages_));
      case form::fair: return start_one(select(select_order::fair, pages_[0], numbers_.receive(), pages_[1]));
      case form::without_second:
        return start_one(select(pages_[0], numbers_.receive(), when(false, pages_[1])));
      case form::only_now: break;
    }
    auto made = try_select(pages_[0], numbers_.receive(), pages_[1]);
    all_.push_back(made ? word(made->value) : "nothing");
  }
  void settle(std::size_t i) {
    if (!std::exchange(settled_[i], true)) asked_[i].set_value(static_cast<int>(i));
  }
  void send() { (void)numbers_.try_send(1); }
  void stop() {
    if (waiting_) stop_->request_stop();
  }
  static void turn() {
    while (loop::current().operations().has_ready()) loop::current().turn(false);
  }
  // Equal to the model: what happened, and what is left.
  [[nodiscard]] bool agrees(const future_model& model) const {
    bool same = all_ == model.all && numbers_.size() == static_cast<std::size_t>(model.elements);
    for (std::size_t i = 0; i < 2; ++i) {
      same = same && pages_[i].valid() != model.taken[i];
      same = same && (model.taken[i] || pages_[i].is_ready() == model.settled[i]);
    }
    return same && waiting_ == model.waiting;
  }

 private:
  static std::string word(int future) { return "future " + std::to_string(future); }
  static std::string word(const std::optional<int>&) { return "element"; }
  static std::string word(const any_result<int>& of) {
    return of.index == static_cast<std::size_t>(of.value) ? word(of.value) : "another index";
  }
  template <class... V>
  static std::string word(const std::variant<V...>& value) {
    return std::visit([](const auto& one) { return word(one); }, value);
  }
  template <class S>
  void start_one(S op) {
    waiting_ = true;
    start(with_stop_token(std::move(op), stop_->get_token()), [this](result<value_of<S>> ended) {
      waiting_ = false;
      all_.push_back(ended ? word(ended->value)
                           : (ended.error() == std::errc::operation_canceled ? "stopped" : "disabled"));
    });
  }

  const form how_;
  channel<int> numbers_{channel<int>::unbounded};
  std::array<promise<int>, 2> asked_;
  std::array<future<int>, 2> pages_{future<int>(make_ready_future(0)), future<int>(make_ready_future(0))};
  std::array<bool, 2> settled_{};
  std::unique_ptr<stop_source> stop_;
  bool waiting_ = false;
  outcomes all_;
};

}  // namespace

TEST_CASE("select: with futures it does what its model does in every order of six events",
          "[select][future][order]") {
  loop here({}, std::make_unique<scripted_choices>());
  constexpr std::size_t length = sanitized ? 5 : 6;
  std::string different;
  int programs = 0;
  std::array<std::size_t, length> steps{};
  for (bool more = true; more;) {
    for (const form how : {form::futures_first, form::channel_first, form::as_range, form::fair,
                           form::without_second, form::only_now}) {
      if (steps[0] != 0 && steps[1] != 0 && steps[2] != 0)
        continue;  // most of what they show is shown already
      future_model model{how};
      future_program real(how);
      for (const std::size_t each : steps) {
        switch (static_cast<step>(each)) {
          case step::begin: model.begin(), real.begin(); break;
          case step::settle_0: model.settle(0), real.settle(0); break;
          case step::settle_1: model.settle(1), real.settle(1); break;
          case step::send: model.send(), real.send(); break;
          case step::stop: model.stop(), real.stop(); break;
          case step::turn: break;
        }
        if (static_cast<step>(each) == step::begin || static_cast<step>(each) == step::turn)
          model.turn(), future_program::turn();
      }
      model.turn();
      future_program::turn();
      ++programs;
      if (!real.agrees(model) && different.empty()) {
        different = std::to_string(static_cast<int>(how)) + ":";
        for (const std::size_t each : steps) different += " " + std::to_string(each);
      }
    }
    more = false;
    for (std::size_t& digit : steps) {
      digit = (digit + 1) % kinds;
      if (digit != 0) {
        more = true;
        break;
      }
    }
  }
  CHECK(different == "");
  CHECK(programs > (sanitized ? 10'000 : 100'000));
}
