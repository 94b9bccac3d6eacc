// Channels, select and the mutex: every order of events for up to five operations, and random programs.

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/sync/mutex.hpp"
#include "catch.hpp"
#include "channel_model.hpp"
#include "sanitized.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

constexpr int most = sanitized ? 4 : 5;

// Calls f with every schedule that begins `count` operations in order and stops at most `most_stopped` of
// them. A schedule is a list of numbers: i begins operation i, ~i stops it.
template <class F>
void for_every_schedule(int count, int most_stopped, F f) {
  std::vector<int> schedule;
  const auto extend = [&](const auto& self, int begun, int stopped_mask) -> void {
    if (begun == count) f(schedule);
    if (begun < count) {
      schedule.push_back(begun);
      self(self, begun + 1, stopped_mask);
      schedule.pop_back();
    }
    if (__builtin_popcount(static_cast<unsigned>(stopped_mask)) == most_stopped) return;
    for (int which = 0; which < begun; ++which) {
      if ((stopped_mask >> which & 1) != 0) continue;
      schedule.push_back(~which);
      self(self, begun, stopped_mask | 1 << which);
      schedule.pop_back();
    }
  };
  extend(extend, 0, 0);
}

void follow(channel_pair& channels, const std::vector<int>& schedule,
            const std::vector<channel_choice>& operations) {
  for (const int step : schedule) {
    if (step >= 0)
      channels.begin(operations[static_cast<std::size_t>(step)]);
    else
      channels.stop(static_cast<std::size_t>(~step));
  }
}

}  // namespace

TEST_CASE("channel: does what its model does in every order of up to five sends, receives and stop requests",
          "[channel][order]") {
  loop here;
  std::string first_difference;
  int programs = 0;
  for (const std::size_t capacity : {0, 1, 2})
    for (const int count : {3, most})
      for (unsigned kinds = 0; kinds < 1U << count; ++kinds)
        for_every_schedule(count, 5, [&](const std::vector<int>& schedule) {
          channel_pair channels({capacity});
          std::vector<channel_choice> operations;
          for (int i = 0; i < count; ++i)
            operations.push_back({{{0, (kinds >> i & 1) != 0 ? std::optional(i) : std::nullopt}}});
          follow(channels, schedule, operations);
          const std::string difference = channels.difference();
          if (first_difference.empty()) first_difference = difference;
          ++programs;
        });
  CHECK(first_difference == "");
  CHECK(programs > (sanitized ? 10'000 : 100'000));
}

TEST_CASE("select: does what its model does in every order of up to five choices and stop requests",
          "[select][order]") {
  loop here;
  std::string first_difference;
  // Two choices between two channels, and operations of others with one of them.
  const std::vector<std::vector<channel_step>> both = {
      {{0, {}}, {1, {}}}, {{1, {}}, {0, {}}}, {{0, 7}, {1, {}}}, {{0, {}}, {1, 8}}, {{0, 9}, {1, 10}}};
  for (const std::size_t capacity : {0, 1})
    for (unsigned first = 0; first < both.size(); ++first)
      for (unsigned second = 0; second < both.size(); ++second)
        for (unsigned others = 0; others < 64; ++others)
          for_every_schedule(5, 1, [&](const std::vector<int>& schedule) {
            if (schedule.size() == 6 && others % 4 != 0) return;
            channel_pair channels({0, capacity});
            std::vector<channel_choice> operations = {{both[first]}, {both[second]}};
            for (unsigned i = 0; i < 3; ++i) {
              const unsigned kind = others >> 2 * i & 3;
              operations.push_back({{{kind >> 1, (kind & 1) != 0 ? std::optional<int>(i) : std::nullopt}}});
            }
            follow(channels, schedule, operations);
            const std::string difference = channels.difference();
            if (first_difference.empty()) first_difference = difference;
          });
  CHECK(first_difference == "");
}

TEST_CASE("select: each of its forms does what its model does in every order of up to four choices and stops",
          "[select][order]") {
  loop here({}, std::make_unique<scripted_choices>());
  std::string first_difference;
  int programs = 0;
  // Two choices between two channels, in each form, and operations of others with one of them.
  const std::vector<std::vector<channel_step>> both = {
      {{0, {}}, {1, {}}}, {{1, 7}, {0, 8}}, {{0, 9}, {1, {}}}, {{0, {}}, {1, 6}}};
  std::vector<channel_choice> forms;
  for (const auto& steps : both)
    for (unsigned enabled = 0; enabled < 4; ++enabled)
      for (const bool may_wait : {true, false})
        for (const bool as_range : {false, true})
          for (const std::optional<std::size_t> from : {std::optional<std::size_t>(), {0}, {1}}) {
            if (as_range && steps[0].sends.has_value() != steps[1].sends.has_value()) continue;
            forms.push_back({steps, as_range, may_wait, from});
            for (unsigned i = 0; i < 2; ++i) forms.back().steps[i].disabled = (enabled >> i & 1) == 0;
          }
  for (const std::size_t capacity : {0, 1})
    for (const channel_choice& first : forms)
      for (std::size_t second = programs % 61; second < forms.size(); second += 61)
        for (unsigned others = 0; others < 16; ++others)
          for_every_schedule(4, 1, [&](const std::vector<int>& schedule) {
            channel_pair channels({0, capacity});
            std::vector<channel_choice> operations = {first, forms[second]};
            for (unsigned i = 0; i < 2; ++i) {
              const unsigned kind = others >> 2 * i & 3;
              operations.push_back({{{kind >> 1, (kind & 1) != 0 ? std::optional<int>(i) : std::nullopt}}});
            }
            // Each of the operations begins first, once.
            std::rotate(operations.begin(), operations.begin() + ++programs % 4, operations.end());
            follow(channels, schedule, operations);
            const std::string difference = channels.difference();
            if (first_difference.empty()) first_difference = difference;
          });
  CHECK(first_difference == "");
  CHECK(programs > 100'000);
}

TEST_CASE("channel, select: random programs agree with the model", "[channel][select][property]") {
  const char* const given = std::getenv("BRAID_TEST_SEED");
  std::vector<unsigned> seeds(20);
  std::iota(seeds.begin(), seeds.end(), 1U);
  if (given != nullptr) seeds = {static_cast<unsigned>(std::atoi(given))};
  for (const unsigned seed : seeds) {
    INFO("BRAID_TEST_SEED=" << seed);
    std::mt19937 random(seed);
    const auto up_to = [&](std::size_t n) {
      return std::uniform_int_distribution<std::size_t>(0, n)(random);
    };
    loop here({}, std::make_unique<scripted_choices>());
    std::string difference;
    for (int program = 0; program < 200 && difference.empty(); ++program) {
      channel_pair channels({up_to(3), up_to(1), 0});
      const std::size_t steps = 1 + up_to(60);
      for (std::size_t step = 0; step < steps; ++step) {
        const std::size_t what = up_to(19);
        if (what == 0 && up_to(3) == 0) {
          channels.close(up_to(2));
        } else if (what < 4 && channels.count() > 0) {
          channels.stop(up_to(channels.count() - 1));
        } else if (what < 6) {
          here.run(yield());
        } else {
          channel_choice of;
          of.as_range = up_to(4) == 0;
          of.waits = up_to(6) != 0;
          const std::size_t first = up_to(2), count = of.as_range ? up_to(5) + 1 : what < 12 ? 2U : 1U;
          const bool all_send = up_to(1) == 0;
          if (up_to(2) == 0) of.from = up_to(count - 1);
          for (std::size_t i = 0; i < count; ++i)
            of.steps.push_back({(first + i) % 3,
                                (of.as_range ? all_send : up_to(1) == 0)
                                    ? std::optional(static_cast<int>(10 * step + i))
                                    : std::nullopt,
                                up_to(5) == 0});
          channels.begin(of);
        }
      }
      difference = channels.difference();
    }
    CHECK(difference == "");
  }
}

TEST_CASE("mutex: does what its model does in every order of up to five waiters, stop requests and unlocks",
          "[sync][mutex][order]") {
  loop here;
  int wrong = 0;
  for_every_schedule(5, 3, [&](const std::vector<int>& schedule) {
    for (std::size_t unlock_before = 0; unlock_before <= schedule.size(); ++unlock_before) {
      mutex door;
      auto held = door.try_lock();
      std::vector<stop_source> stops(5);
      std::vector<int> got, expected, in_line;
      int finished = 0, inside = 0;
      bool unlocked = false;
      const auto unlock = [&] {
        held.reset();
        unlocked = true;
        if (!in_line.empty()) {  // now it has the lock, even if stop is requested
          expected.push_back(in_line.front());
          in_line.erase(in_line.begin());
        }
      };
      for (std::size_t at = 0; at < schedule.size(); ++at) {
        if (at == unlock_before) unlock();
        const int step = schedule[at];
        if (step < 0) {
          stops[static_cast<std::size_t>(~step)].request_stop();
          std::erase(in_line, ~step);
          continue;
        }
        if (unlocked && expected.empty())
          expected.push_back(step);
        else
          in_line.push_back(step);
        start(with_stop_token(door.lock(), stops[static_cast<std::size_t>(step)].get_token()),
              [&, step](result<mutex::scoped_lock> mine) {
                ++finished;
                if (!mine) return;
                wrong += inside++ != 0;
                got.push_back(step);
                --inside;
              });
      }
      if (!unlocked) unlock();
      expected.insert(expected.end(), in_line.begin(), in_line.end());
      here.run();
      wrong += finished != 5 || got != expected || door.is_locked();
    }
  });
  CHECK(wrong == 0);
}
