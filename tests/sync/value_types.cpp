// What channels, broadcasts and watches may carry: types whose moves throw, or that cannot be assigned.

#include <algorithm>
#include <any>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/start.hpp"
#include "braid/sync/broadcast.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/select.hpp"
#include "braid/sync/watch.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

struct const_member {
  const std::string text = "kept";
};
struct throwing_end {
  throwing_end() = default;
  throwing_end(const throwing_end&) = default;
  ~throwing_end() noexcept(false) {}
};
struct alignas(64) wide {
  wide() = default;
  wide(const wide&) = default;
  wide(wide&& other) noexcept(false) : text(std::move(other.text)) {}
  std::string text = "wide";
};

template <class T>
T sample() {
  if constexpr (std::is_same_v<T, std::any> || std::is_same_v<T, std::variant<int, errc>>)
    return T(1);
  else
    return T();
}

struct move_failed {};

// Its n-th move from now on throws and leaves the source as it was. Counts its instances.
class explosive {
 public:
  static inline int moves_left = 0;
  static inline int alive = 0;
  explicit explosive(int number) noexcept : number_(number) { ++alive; }
  explosive(explosive&& other) noexcept(false) : number_(other.number_) {
    if (moves_left-- == 0) throw move_failed();
    other.number_ = -1;
    ++alive;
  }
  explosive(const explosive& other) : number_(other.number_) {
    if (moves_left-- == 0) throw move_failed();
    ++alive;
  }
  ~explosive() { --alive; }
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

constexpr int enough = 1'000'000;

// What happened to the elements of a program of sends and receives.
struct tally {
  int sent = 0, not_sent = 0, not_received = 0;
  std::vector<int> received;

  void note(const result<void>& ended) { ++(ended ? sent : not_sent); }
  void note(const result<std::optional<explosive>>& got) {
    if (!got)
      ++not_received;
    else if (*got)
      received.push_back((**got).number());
  }
};

void send(channel<explosive>& to, explosive& from, int how, tally& of) {
  const auto ended = [&of](result<void> end) { of.note(end); };
  try {
    if (how == 0) start(to.send(std::move(from)), ended);
    if (how == 1) start(to.send_from(from), ended);
    if (how == 2)
      start(select(to.send(std::move(from)), sleep_for(1h)),
            [&of](auto end) { of.note(end ? result<void>() : result<void>(end.error())); });
    if (how == 3)
      start(to.reserve(), [&of, &from](result<channel<explosive>::permit> room) {
        of.note(room ? capture([&] { room->send(std::move(from)); }) : result<void>(room.error()));
      });
  } catch (const move_failed&) {
    ++of.not_sent;
  }
}
void receive(channel<explosive>& from, int how, tally& of) {
  if (how == 0) start(from.receive(), [&of](result<std::optional<explosive>> got) { of.note(got); });
  if (how == 1)
    start(select(from.receive(), sleep_for(1h)), [&of](auto got) {
      if (!got)
        ++of.not_received;
      else if (auto& one = std::get<0>(got->value))
        of.received.push_back(one->number());
    });
}

}  // namespace

TEMPLATE_TEST_CASE("value types: a channel, a broadcast and a watch carry values of awkward types",
                   "[sync][types]", std::any, (std::variant<int, errc>), const std::deque<int>, const_member,
                   throwing_end, wide) {
  using value = TestType;
  IN_EVERY_STYLE(style);
  loop here;
  const auto got_one = [&](auto op) {
    auto got = style.wait(std::move(op));
    return got.has_value() && got->has_value();
  };

  channel<value> through(2);
  value from = sample<value>();
  CHECK(style.wait(through.send(sample<value>())));
  CHECK(through.try_send(sample<value>()));
  CHECK_FALSE(through.try_reserve());
  CHECK(got_one(through.receive()));
  CHECK(style.wait(through.send_from(from)));
  CHECK(through.try_receive());
  {
    auto room = style.wait(through.reserve());
    REQUIRE(room);
    room->send(sample<value>());
  }
  CHECK(got_one(through.receive()));
  CHECK(style.wait(select(through.receive(), through.send(sample<value>()))));
  CHECK(style.wait(select(sleep_for(1h), through.send(sample<value>()))));
  through.close();
  CHECK(got_one(through.receive()));
  CHECK_FALSE(style.wait(through.receive()).value());

  broadcast<value> to_all(1);
  auto first = to_all.subscribe();
  to_all.send(sample<value>());
  to_all.send(sample<value>());
  CHECK(got_one(first.receive()));
  CHECK(first.missed() == 1);

  watch<value> latest(sample<value>());
  auto reader = latest.read();
  latest.set(sample<value>());
  CHECK(got_one(reader.receive()));
  [[maybe_unused]] const value& now = latest.get();
}

TEST_CASE("channel: an element whose move throws fails one operation; every other element arrives once",
          "[channel][types]") {
  const std::size_t capacity = GENERATE(0, 1, 3, 100);
  const int how_sent = GENERATE(0, 1, 2, 3), how_received = GENERATE(0, 1);
  const int receives_before = GENERATE(0, 2, 6);
  constexpr int count = 6;
  bool one_arrived_whole = false, one_failed = false;
  for (int n = 0; !one_arrived_whole; ++n) {
    tally of;
    {
      std::vector<std::unique_ptr<explosive>> elements;
      for (int number = 0; number < count; ++number) elements.push_back(std::make_unique<explosive>(number));
      loop here;
      channel<explosive> through(capacity);
      for (int i = 0; i < receives_before; ++i) receive(through, how_received, of);
      here.run(yield());
      explosive::moves_left = n;
      for (const auto& each : elements) send(through, *each, how_sent, of);
      here.run(yield());
      for (int i = receives_before; i < count; ++i) receive(through, how_received, of);
      for (int i = 0; i < 5; ++i) here.run(yield());
      explosive::moves_left = enough;
      through.close();
      for (int i = 0; i < 5; ++i) here.run(yield());
      while (auto left = through.try_receive()) of.received.push_back(left->number());
      for (int i = 0; i < 5; ++i) here.run(yield());
      CHECK(through.empty());
      // An element that could not be sent is still in its place.
      int kept = 0;
      for (const auto& each : elements) kept += each->number() >= 0 ? 1 : 0;
      if (how_sent == 1) CHECK(kept == of.not_sent);
    }
    INFO("the move of that number fails: " << n);
    CHECK(explosive::alive == 0);
    CHECK(of.sent + of.not_sent == count);
    CHECK(static_cast<int>(of.received.size()) + of.not_received == of.sent);
    CHECK(of.not_sent + of.not_received <= 1);
    CHECK(std::ranges::is_sorted(of.received));
    CHECK(std::ranges::adjacent_find(of.received) == of.received.end());
    one_failed |= of.not_sent + of.not_received == 1;
    one_arrived_whole |= of.not_sent + of.not_received == 0;
  }
  CHECK(one_failed);
}

TEST_CASE("channel: the exception of an element's move reaches the waiter, in every style",
          "[channel][types]") {
  IN_EVERY_STYLE(style);
  loop here;
  int failures = 0;
  for (int n = 0; n < 30; ++n) {
    channel<explosive> through(1);
    REQUIRE(through.try_send(explosive(1)));
    explosive::moves_left = n;
    const auto got = style.wait(through.receive());
    explosive::moves_left = enough;
    if (got) {
      CHECK((**got).number() == 1);
      continue;
    }
    ++failures;
    CHECK_THROWS_AS(got.error().rethrow(), move_failed);
    CHECK(through.empty());  // the element is lost with the error
  }
  CHECK(failures > 0);
  explosive kept(2);
  channel<explosive> through(1);
  explosive::moves_left = 0;
  const auto ended = style.wait(through.send_from(kept));
  explosive::moves_left = enough;
  REQUIRE_FALSE(ended);
  CHECK_THROWS_AS(ended.error().rethrow(), move_failed);
  CHECK(kept.number() == 2);
  CHECK(style.wait(through.send_from(kept)));
}

TEST_CASE("broadcast, watch: a send whose move throws changes nothing", "[sync][types]") {
  loop here;
  broadcast<explosive> to_all(2);
  auto one = to_all.subscribe(), other = to_all.subscribe();
  watch<explosive> latest(explosive(0));
  auto reader = latest.read();
  explosive::moves_left = enough;
  to_all.send(explosive(1));
  to_all.send(explosive(2));
  for (int n = 0; n < 3; ++n) {
    explosive next(3);
    explosive::moves_left = n;
    CHECK(capture([&] { to_all.send(std::move(next)); }).has_value() == (n > 1));
  }
  {
    explosive next(9);
    explosive::moves_left = 1;  // first into the argument, then into the watch
    CHECK_THROWS_AS(latest.set(std::move(next)), move_failed);
    CHECK(latest.get().number() == 0);
  }
  explosive::moves_left = enough;
  CHECK(one.missed() == 1);
  for (const int expected : {2, 3}) CHECK(here.run(one.receive())->number() == expected);

  // a receive that fails leaves the element to the next receive
  explosive::moves_left = 0;
  CHECK_THROWS_AS(here.run(other.receive()), move_failed);
  explosive::moves_left = 0;
  CHECK_THROWS_AS(here.run(reader.receive()), move_failed);
  explosive::moves_left = enough;
  for (const int expected : {2, 3}) CHECK(here.run(other.receive())->number() == expected);
  CHECK(here.run(reader.receive()).has_value());
}
