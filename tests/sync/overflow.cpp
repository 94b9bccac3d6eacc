#include "braid/sync/overflow.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/select.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

std::vector<int> left_in(channel<int>& numbers) {
  std::vector<int> left;
  while (const auto each = numbers.try_receive()) left.push_back(*each);
  return left;
}

}  // namespace

TEST_CASE("overflow: a send on a full channel completes, and what is dropped is counted",
          "[channel][overflow]") {
  IN_EVERY_STYLE(style);
  const auto [policy, left] = GENERATE(table<overflow, std::vector<int>>(
      {{overflow::drop_oldest, {3, 4, 5}}, {overflow::drop_newest, {1, 2, 3}}, {overflow::latest, {5}}}));
  channel<int> numbers(3, policy);
  loop here;
  for (int n = 1; n <= 4; ++n) CHECK(style.wait(numbers.send(n)));
  CHECK(numbers.try_send(5));
  CHECK(numbers.size() == left.size());
  CHECK(numbers.capacity() == left.size());
  CHECK(numbers.dropped() == 5 - left.size());
  numbers.close();
  CHECK_FALSE(numbers.try_send(6));
  CHECK(style.wait(numbers.send(6)).error() == errc::channel_closed);
  CHECK(numbers.dropped() == 5 - left.size());
  CHECK(left_in(numbers) == left);
}

TEST_CASE("overflow: a policy that drops needs a capacity", "[channel][overflow]") {
  for (const overflow policy : {overflow::drop_oldest, overflow::drop_newest, overflow::latest})
    CHECK_THROWS_AS(channel<int>(0, policy), std::invalid_argument);
  CHECK(channel<int>(0, overflow::wait).capacity() == 0);
}

TEST_CASE("overflow: the policy to wait drops nothing", "[channel][overflow]") {
  channel<int> numbers(1, overflow::wait);
  loop here;
  auto first = spawn(numbers.send(1)), second = spawn(numbers.send(2));
  here.run(yield());
  CHECK_FALSE(second.is_ready());
  CHECK_FALSE(numbers.try_send(3));
  CHECK(here.run(numbers.receive()) == 1);
  CHECK(here.run(numbers.receive()) == 2);
  here.run(when_all(std::move(first), std::move(second)));
  CHECK(numbers.dropped() == 0);
}

TEST_CASE("overflow: the oldest element is destroyed within the send, the newest stays as it was",
          "[channel][overflow]") {
  IN_EVERY_STYLE(style);
  const overflow policy = GENERATE(overflow::drop_oldest, overflow::drop_newest);
  channel<std::shared_ptr<int>> numbers(1, policy);
  loop here;
  auto first = std::make_shared<int>(1), second = std::make_shared<int>(2);
  const std::weak_ptr<int> oldest = first;
  CHECK(style.wait(numbers.send_from(first)));
  CHECK(style.wait(numbers.send_from(second)));
  CHECK(first == nullptr);
  CHECK((second == nullptr) == (policy == overflow::drop_oldest));
  CHECK(oldest.expired() == (policy == overflow::drop_oldest));
  CHECK(numbers.dropped() == 1);
}

TEST_CASE("overflow: the destructor of a dropped element may use the channel", "[channel][overflow]") {
  struct sends_another {
    channel<std::unique_ptr<sends_another>>* to = nullptr;
    ~sends_another() {
      if (to != nullptr) (void)to->try_send(nullptr);
    }
  };
  channel<std::unique_ptr<sends_another>> numbers(2, overflow::drop_oldest);
  for (int n = 0; n < 3; ++n) {
    auto element = std::make_unique<sends_another>();
    if (n == 0) element->to = &numbers;
    REQUIRE(numbers.try_send(std::move(element)));
  }
  CHECK(numbers.dropped() == 2);
  CHECK(numbers.size() == 2);
  CHECK(*numbers.try_receive() == nullptr);  // sent before the send that dropped has put its element
  CHECK(*numbers.try_receive() != nullptr);
}

TEST_CASE("overflow: reserved room stays reserved", "[channel][overflow][reserve]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  channel<int> numbers(1, overflow::drop_oldest);
  loop here;
  auto permit = style.wait(numbers.reserve());
  REQUIRE(permit);
  CHECK(style.wait(numbers.send(1)));
  CHECK(numbers.dropped() == 1);
  permit->send(2);
  here.post([&] { CHECK(numbers.try_receive() == 2); });
  CHECK(style.wait(numbers.reserve()));  // waits for room, and gives it back
  CHECK(numbers.dropped() == 1);
  CHECK(style.wait(select(numbers.send(3), numbers.receive())).value().index == 0);
  CHECK(left_in(numbers) == std::vector{3});
}

TEST_CASE("overflow: a lossy channel can be stopped at each suspension", "[channel][overflow][stop]") {
  const overflow policy = GENERATE(overflow::drop_oldest, overflow::drop_newest, overflow::latest);
  every_cancellation([policy]() -> task<> {
    channel<std::unique_ptr<int>> numbers(2, policy);
    std::size_t received = 0;
    const auto sends = [&]() -> task<> {
      for (int n = 0; n < 6; ++n) {
        co_await numbers.send(std::make_unique<int>(n));
        if (n % 3 == 2) co_await yield();
      }
      numbers.close();
    };
    const auto receives = [&]() -> task<> {
      while (co_await numbers.receive()) {
        ++received;
        co_await yield();
      }
    };
    co_await when_all(sends(), receives());
    CHECK(received + numbers.dropped() == 6);
  });
}

namespace {

// A channel that drops and a model of it, side by side.
class lossy_pair {
 public:
  lossy_pair(std::size_t capacity, overflow policy)
      : real_(capacity, policy), capacity_(real_.capacity()), policy_(policy) {}
  ~lossy_pair() {
    permits_.clear();
    for (auto& each : receives_) each->stop.request_stop();
    here_.run();
  }

  void send(int element) {
    const bool sent = real_.try_send(element);
    check(sent != closed_, "try_send");
    if (closed_) return;
    if (elements_.size() + permits_.size() >= capacity_ && line_.empty()) {
      ++dropped_;
      if (policy_ == overflow::drop_newest || elements_.empty()) return;
      elements_.pop_front();
    }
    arrives(element);
  }
  void receive() {
    receives_.push_back(std::make_unique<operation>());
    operation& mine = *receives_.back();
    if (!elements_.empty()) {
      mine.expected = std::to_string(elements_.front());
      elements_.pop_front();
    } else if (closed_ && permits_.empty()) {
      mine.expected = "ended";
    } else {
      line_.push_back(&mine);
    }
    start(with_stop_token(real_.receive(), mine.stop.get_token()), [&mine](result<std::optional<int>> ended) {
      mine.state = ended                                  ? std::to_string(ended->value())
                   : ended.error() == std::errc::io_error ? "ended"
                                                          : "stopped";
    });
  }
  void stop(std::size_t which) {
    receives_[which]->stop.request_stop();
    if (std::erase(line_, receives_[which].get()) != 0) receives_[which]->expected = "stopped";
  }
  void reserve() {
    auto permit = real_.try_reserve();
    const bool room = !closed_ && elements_.size() + permits_.size() < capacity_;
    check(permit.has_value() == room, "try_reserve");
    if (permit) permits_.push_back(*std::move(permit));
  }
  void use_permit(std::optional<int> element) {
    if (permits_.empty()) return;
    auto permit = std::move(permits_.back());
    permits_.pop_back();
    if (element) permit.send(*element);
    if (element) arrives(*element);
    { const auto gone = std::move(permit); }
    end_if_closed();
  }
  void close() {
    real_.close(error(std::errc::io_error));
    closed_ = true;
    end_if_closed();
  }
  void turn() { here_.run(yield()); }
  [[nodiscard]] std::size_t count() const { return receives_.size(); }

  // What differs, or nothing.
  [[nodiscard]] std::string difference() {
    here_.run();
    check(real_.size() == elements_.size(), "size");
    check(real_.dropped() == dropped_, "dropped");
    for (const auto& each : receives_)
      check(each->state == each->expected, (each->state + ", expected: " + each->expected).c_str());
    for (const int each : elements_) check(real_.try_receive() == each, "an element");
    return difference_;
  }

 private:
  struct operation {
    std::string expected = "waits", state = "waits";
    stop_source stop;
  };
  void arrives(int element) {
    if (line_.empty()) return elements_.push_back(element);
    line_.front()->expected = std::to_string(element);
    line_.pop_front();
  }
  void end_if_closed() {
    if (!closed_ || !permits_.empty()) return;
    for (operation* each : line_) each->expected = "ended";
    line_.clear();
  }
  void check(bool holds, const char* what) {
    if (!holds && difference_.empty()) difference_ = what;
  }

  loop here_;
  channel<int> real_;
  std::size_t capacity_;
  overflow policy_;
  bool closed_ = false;
  std::uint64_t dropped_ = 0;
  std::deque<int> elements_;
  std::deque<operation*> line_;
  std::vector<channel<int>::permit> permits_;
  std::vector<std::unique_ptr<operation>> receives_;
  std::string difference_;
};

}  // namespace

TEST_CASE("overflow, channel: random programs that drop, and close with a cause, agree with the model",
          "[channel][overflow][property]") {
  std::string difference;
  for (unsigned seed = 1; seed <= 3'000 && difference.empty(); ++seed) {
    std::mt19937 random(seed);
    const auto up_to = [&](std::size_t most) { return random() % (most + 1); };
    lossy_pair numbers(1 + up_to(3), static_cast<overflow>(1 + up_to(2)));
    int sent = 0;
    for (std::size_t steps = up_to(60); steps > 0; --steps) {
      const std::size_t what = up_to(19);
      if (what < 8)
        numbers.send(++sent);
      else if (what < 12)
        numbers.receive();
      else if (what < 14 && numbers.count() != 0)
        numbers.stop(up_to(numbers.count() - 1));
      else if (what < 15)
        numbers.reserve();
      else if (what < 17)
        numbers.use_permit(up_to(1) == 0 ? std::optional(++sent) : std::nullopt);
      else if (what < 18 && up_to(5) == 0)
        numbers.close();
      else
        numbers.turn();
    }
    difference = numbers.difference();
    if (!difference.empty()) difference = "seed " + std::to_string(seed) + ": " + difference;
  }
  CHECK(difference == "");
}
