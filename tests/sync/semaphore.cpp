#include "braid/sync/semaphore.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sync/select.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("semaphore: acquires as many times as there are permits", "[sync][semaphore]") {
  IN_EVERY_STYLE(style);
  semaphore seats(2);
  loop here;
  {
    const auto one = style.wait(seats.acquire());
    REQUIRE(one);
    CHECK(seats.available() == 1);
    const auto other = seats.try_acquire();
    REQUIRE(other);
    CHECK_FALSE(seats.try_acquire());
  }
  CHECK(seats.available() == 2);
}

TEST_CASE("semaphore: never has more holders than permits", "[sync][semaphore]") {
  semaphore seats(3);
  int inside = 0, most = 0, served = 0;
  std::vector<task<>> guests;
  const auto guest = [&](int turns) -> task<> {
    const auto seat = co_await seats.acquire();
    most = std::max(most, ++inside);
    for (int n = 0; n < turns; ++n) co_await yield();
    --inside;
    ++served;
  };
  for (int n = 0; n < 50; ++n) guests.push_back(guest(n % 7));
  run(when_all(std::move(guests)));
  CHECK(most == 3);
  CHECK(served == 50);
  CHECK(seats.available() == 3);
}

TEST_CASE("semaphore: release admits the longest waiters and keeps the remaining permits",
          "[sync][semaphore]") {
  semaphore items(0);
  loop here;
  std::vector<int> order;
  for (int n = 0; n < 3; ++n)
    start(items.acquire(), [&order, n](result<semaphore::permit> taken) {
      order.push_back(n);
      taken->forget();
    });
  here.run(yield());
  CHECK(order.empty());
  items.release(2);
  here.run();
  CHECK(order == std::vector{0, 1});
  items.release(3);
  here.run();
  CHECK(order == std::vector{0, 1, 2});
  CHECK(items.available() == 2);
}

TEST_CASE("semaphore: a stopped waiter leaves the queue and loses no permit", "[sync][semaphore][stop]") {
  semaphore seats(0);
  loop here;
  stop_source stop;
  auto first = spawn(with_stop_token(seats.acquire(), stop.get_token()));
  auto second = spawn(seats.acquire());
  here.run(yield());
  stop.request_stop();
  seats.release();
  CHECK(here.run(as_result(std::move(first))).error() == std::errc::operation_canceled);
  CHECK(here.run(as_result(std::move(second))).has_value());
  CHECK(seats.available() == 1);
}

TEST_CASE("semaphore: acquires several permits at once, or none", "[sync][semaphore]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  semaphore seats(5);
  loop here;
  std::optional<semaphore::permit> three(style.wait(seats.acquire(3)).value());
  CHECK(three->count() == 3);
  CHECK(seats.available() == 2);
  CHECK_FALSE(seats.try_acquire(3));
  CHECK(style.wait(seats.acquire(0)).value().count() == 0);
  here.post([&] { three.reset(); });
  const auto four = style.wait(seats.acquire(4));
  REQUIRE(four);
  CHECK(seats.available() == 1);
}

TEST_CASE("semaphore: small requests do not overtake a large one", "[sync][semaphore]") {
  semaphore seats(3);
  loop here;
  std::optional<semaphore::permit> first = seats.try_acquire(2);
  auto large = spawn(seats.acquire(3));
  auto small = spawn(seats.acquire());
  here.run(yield());
  CHECK_FALSE(small.is_ready());
  CHECK_FALSE(seats.try_acquire());
  CHECK(seats.available() == 1);
  SECTION("the large one is served first") {
    first.reset();
    {
      const auto all = here.run(std::move(large));
      CHECK_FALSE(small.is_ready());
    }
    CHECK(here.run(std::move(small)).count() == 1);
  }
  SECTION("the small one goes on when the large one is stopped") {
    large.request_stop();
    CHECK(here.run(std::move(small)).count() == 1);
    CHECK(here.run(as_result(std::move(large))).error() == std::errc::operation_canceled);
    first.reset();
  }
  SECTION("permits that are added count") {
    seats.release(2);
    CHECK(here.run(std::move(large)).count() == 3);
    CHECK(here.run(std::move(small)).count() == 1);
    first.reset();
    CHECK(seats.available() == 5);
    CHECK(seats.maximum() == 5);
    return;
  }
  CHECK(seats.available() == 3);
}

TEST_CASE("semaphore: more permits than the maximum are an invalid argument", "[sync][semaphore]") {
  IN_EVERY_STYLE(style);
  semaphore seats(2);
  loop here;
  const auto refused = style.wait(seats.acquire(3));
  REQUIRE_FALSE(refused);
  CHECK_THROWS_AS(refused.error().rethrow(), std::invalid_argument);
  CHECK_FALSE(seats.try_acquire(3));
  CHECK(seats.available() == 2);
  seats.release();
  CHECK(style.wait(seats.acquire(3)).value().count() == 3);

  semaphore grows(0);
  CHECK(grows.maximum() == semaphore::unlimited);
  semaphore bounded(0, 2);
  CHECK(bounded.maximum() == 2);
  CHECK_FALSE(style.wait(bounded.acquire(3)));
}

TEST_CASE("semaphore: close fails the waiters and every later acquire", "[sync][semaphore]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  semaphore seats(2);
  loop here;
  std::optional<semaphore::permit> held = seats.try_acquire();
  auto waits = spawn(seats.acquire(2));
  here.post([&] {
    seats.close();
    seats.close();
  });
  const auto ended = style.wait(seats.acquire());
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == errc::semaphore_closed);
  CHECK_THAT(ended.error().message(), contains("semaphore::acquire: Semaphore closed"));
  CHECK(here.run(as_result(std::move(waits))).error() == errc::semaphore_closed);
  CHECK(seats.is_closed());
  held.reset();
  CHECK(seats.available() == 2);
  CHECK_FALSE(seats.try_acquire());
  CHECK(style.wait(seats.acquire()).error() == errc::semaphore_closed);
}

TEST_CASE("semaphore: a waiter that has its permits when the semaphore is closed keeps them",
          "[sync][semaphore]") {
  semaphore seats(0);
  loop here;
  auto served = spawn(seats.acquire(2)), refused = spawn(seats.acquire());
  here.run(yield());
  seats.release(2);
  seats.close();
  CHECK(here.run(std::move(served)).count() == 2);
  CHECK(here.run(as_result(std::move(refused))).error() == errc::semaphore_closed);
  CHECK(seats.available() == 2);
}

TEST_CASE("semaphore: a select is not held up by its own larger request", "[sync][semaphore][select]") {
  semaphore seats(3);
  loop here;
  std::optional<semaphore::permit> all = seats.try_acquire(3);
  auto either = spawn(select(seats.acquire(3), seats.acquire(), sleep_for(1h)));
  auto behind = spawn(seats.acquire());
  here.run(yield());
  all->forget();
  SECTION("one permit is enough") {
    seats.release();
    auto made = here.run(std::move(either));
    CHECK(made.index == 1);
    CHECK_FALSE(behind.is_ready());
  }
  SECTION("the earlier argument wins if it is possible") {
    seats.release(3);
    auto made = here.run(std::move(either));
    CHECK(made.index == 0);
    CHECK_FALSE(behind.is_ready());
  }
  CHECK(here.run(std::move(behind)).count() == 1);
}

TEST_CASE("semaphore: requests of every size can be stopped at each suspension", "[sync][semaphore][stop]") {
  every_cancellation([]() -> task<> {
    semaphore seats(3);
    std::size_t inside = 0;
    const auto guest = [&](std::size_t friends) -> task<> {
      const auto mine = co_await seats.acquire(friends);
      const struct leaving {
        std::size_t& inside;
        std::size_t count;
        ~leaving() { inside -= count; }
      } afterwards{inside += mine.count(), mine.count()};
      CHECK(inside <= 3);
      co_await yield();
    };
    co_await when_all(guest(2), guest(3), guest(1), guest(2), guest(1));
    CHECK(seats.available() == 3);
  });
}

namespace {

// A semaphore and a model of it, side by side: the model is a list that is served from its front.
class semaphore_pair {
 public:
  explicit semaphore_pair(std::size_t permits) : real_(permits), free_(permits), maximum_(real_.maximum()) {}
  ~semaphore_pair() {
    for (auto& each : operations_) each->stop.request_stop();
    here_.run();
  }

  void begin(std::size_t count) {
    operations_.push_back(std::make_unique<operation>());
    operation& mine = *operations_.back();
    mine.count = count;
    if (count > maximum_)
      mine.expected = "too many";
    else if (count != 0 && closed_)
      mine.expected = "closed";
    else if (count == 0)
      mine.expected = "holds";
    else
      line_.push_back(&mine);
    admit();
    start(with_stop_token(real_.acquire(count), mine.stop.get_token()),
          [&mine](result<semaphore::permit> ended) {
            if (ended)
              mine.permit.emplace(*std::move(ended));
            else
              mine.error.emplace(ended.error());
          });
  }
  void stop(std::size_t which) {
    operation& mine = *operations_[which];
    mine.stop.request_stop();
    if (std::erase(line_, &mine) != 0) mine.expected = "stopped";
    admit();
  }
  void give_back(std::size_t which) {
    here_.run();  // a permit on its way to its waiter arrives
    operation& mine = *operations_[which];
    if (!mine.permit) return;
    mine.permit.reset();
    mine.expected = "gave back";
    add(mine.count);
  }
  void release(std::size_t count) {
    real_.release(count);
    add(count);
  }
  void close() {
    real_.close();
    closed_ = true;
    for (operation* each : line_) each->expected = "closed";
    line_.clear();
  }
  void try_acquire(std::size_t count) {
    const auto taken = real_.try_acquire(count);
    check(taken.has_value() == (count == 0 || (line_.empty() && !closed_ && count <= free_)), "try_acquire");
  }
  void turn() { here_.run(yield()); }
  [[nodiscard]] std::size_t count() const { return operations_.size(); }

  // What differs, or nothing.
  [[nodiscard]] std::string difference() {
    check(real_.available() == free_, "available");
    check(real_.maximum() == maximum_, "maximum");
    here_.run();
    for (const auto& each : operations_) {
      const std::string state = each->permit                                    ? "holds"
                                : !each->error                                  ? "waits"
                                : *each->error == errc::semaphore_closed        ? "closed"
                                : *each->error == std::errc::operation_canceled ? "stopped"
                                                                                : "too many";
      check(state == each->expected || each->expected == "gave back", each->expected.c_str());
    }
    return difference_;
  }

 private:
  struct operation {
    std::size_t count = 0;
    std::string expected = "waits";
    stop_source stop;
    std::optional<semaphore::permit> permit;
    std::optional<braid::error> error;
  };
  void add(std::size_t count) {
    free_ += count;
    admit();
    maximum_ = std::max(maximum_, free_);
  }
  void admit() {
    while (!line_.empty() && line_.front()->count <= free_) {
      free_ -= line_.front()->count;
      line_.front()->expected = "holds";
      line_.erase(line_.begin());
    }
  }
  void check(bool holds, const char* what) {
    if (!holds && difference_.empty()) difference_ = what;
  }

  loop here_;
  semaphore real_;
  std::size_t free_;
  std::size_t maximum_;
  bool closed_ = false;
  std::vector<operation*> line_;
  std::vector<std::unique_ptr<operation>> operations_;
  std::string difference_;
};

}  // namespace

TEST_CASE("semaphore: random programs agree with the model", "[sync][semaphore][property]") {
  std::string difference;
  for (unsigned seed = 1; seed <= 3'000 && difference.empty(); ++seed) {
    std::mt19937 random(seed);
    const auto up_to = [&](std::size_t most) { return random() % (most + 1); };
    semaphore_pair seats(up_to(4));
    for (std::size_t steps = up_to(40); steps > 0; --steps) {
      const std::size_t what = up_to(19);
      if (what < 8 || seats.count() == 0)
        seats.begin(up_to(5));
      else if (what < 11)
        seats.stop(up_to(seats.count() - 1));
      else if (what < 15)
        seats.give_back(up_to(seats.count() - 1));
      else if (what < 16)
        seats.release(up_to(2));
      else if (what < 17 && up_to(3) == 0)
        seats.close();
      else if (what < 18)
        seats.try_acquire(up_to(3));
      else
        seats.turn();
    }
    difference = seats.difference();
    if (!difference.empty()) difference = "seed " + std::to_string(seed) + ": " + difference;
  }
  CHECK(difference == "");
}
