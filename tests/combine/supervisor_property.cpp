// Random programs of a supervisor, compared with a sequential model that knows nothing of operations: it
// computes when each child begins and ends. BRAID_TEST_SEED=n runs program n alone.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/supervisor.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

using namespace braid;
using namespace std::chrono_literals;

namespace {

constexpr long never = 1'000'000;

// One run of a child: it lasts so long, in milliseconds, and obeys a stop request after a while.
struct life {
  long lasts;
  bool fails;
  long obeys_after;
};
struct child_plan {
  restart_policy policy;
  long stop_within;
  std::vector<life> lives;  // the last one is repeated
  long removed_at;  // or never
};
struct plan {
  supervisor_options how;
  std::vector<child_plan> children;
  long stopped_at;
};

// Where two things happen in one millisecond the model gives up, and the program is skipped.
class planner {
 public:
  explicit planner(std::uint64_t seed) : random_(seed) {}
  plan make() {
    plan made;
    using enum restart_strategy;
    made.how.strategy = std::array{one_for_one, one_for_all, rest_for_one}[below(3)];
    made.how.restarts = below(6);
    made.how.within = std::chrono::milliseconds(below(4) == 0 ? 0 : 500 + odd(8000));
    made.how.base = std::chrono::milliseconds(odd(400));
    made.how.cap = std::chrono::milliseconds(odd(3000));
    made.how.jitter = retry_jitter::none;
    for (std::size_t n = 1 + below(4); n != 0; --n) {
      child_plan one;
      using enum restart_policy;
      one.policy = std::array{permanent, transient, temporary}[below(3)];
      one.stop_within = below(3) == 0 ? odd(600) : never;
      for (std::size_t lives = 1 + below(4); lives != 0; --lives)
        one.lives.push_back({odd(3000), below(2) == 0, below(2) == 0 ? 0 : odd(900)});
      if (below(2) == 0) one.lives.back().lasts = never;
      one.removed_at = below(3) == 0 ? odd(9000) : never;
      made.children.push_back(one);
    }
    made.stopped_at = below(2) == 0 ? odd(15'000) : 20'011;
    return made;
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  long odd(std::size_t n) { return static_cast<long>(1 + below(n)); }
  std::mt19937_64 random_;
};

struct event {
  long at;
  std::size_t child;
  char what;  // + begins, - ends, ~ was late
  auto operator<=>(const event&) const = default;
};

struct outcome {
  std::vector<event> events;
  std::string end;  // value, cancelled, too many n, late n
  long ended_at = 0;
};

// ---- the model

class model {
 public:
  explicit model(const plan& of) : plan_(of), children_(of.children.size()) {}
  // Nothing if two things happen in one millisecond.
  std::optional<outcome> run() {
    for (std::size_t n = 0; n < children_.size(); ++n) begin(n);
    while (goes_on()) {
      const std::optional<long> next = next_instant();
      if (!next) return std::nullopt;
      now_ = *next;
      happen();
      if (ambiguous_) return std::nullopt;
    }
    outcome_.ended_at = now_;
    if (outcome_.end.empty()) outcome_.end = cut_short_ ? "cancelled" : "value";
    return outcome_;
  }

 private:
  enum class state { waits, runs, stops, late, pauses, dormant, gone };
  struct child {
    state is = state::waits;
    std::size_t lives = 0;
    int failures = 0;
    long begun = 0, ends = never, limit = never, pause = never;
    bool fails = false, removed = false, asked = false;
    long obeys_after = 0;
  };

  [[nodiscard]] bool goes_on() const {
    if (group_stops_ || group_pause_ != never) return true;
    return std::ranges::any_of(
               children_,
               [](const child& each) { return each.is != state::dormant && each.is != state::gone; }) ||
           (!closing_ && now_ < last_script());
  }
  // The function ends once it has removed what it will.
  [[nodiscard]] long last_script() const {
    long last = 0;
    for (const child_plan& each : plan_.children)
      if (each.removed_at != never) last = std::max(last, each.removed_at);
    return last;
  }
  std::optional<long> next_instant() {
    std::vector<long> all;
    for (const child& each : children_) {
      if (each.is == state::runs || each.is == state::stops || each.is == state::late)
        all.push_back(each.ends);
      if (each.is == state::stops) all.push_back(each.limit);
      if (each.is == state::pauses) all.push_back(each.pause);
    }
    all.push_back(group_pause_);
    if (!closing_) {
      all.push_back(plan_.stopped_at);
      for (const child_plan& each : plan_.children)
        if (each.removed_at > now_) all.push_back(each.removed_at);
    }
    std::ranges::sort(all);
    std::erase_if(all, [](long t) { return t >= never; });
    if (all.empty()) return std::nullopt;
    if (all.size() > 1 && all[0] == all[1]) return std::nullopt;
    return all[0];
  }
  void happen() {
    if (!closing_ && now_ == plan_.stopped_at) {
      from_outside_ = closing_ = true;
      if (now_ < last_script()) cut_short_ = true;  // the function
    }
    if (now_ == group_pause_) {
      group_pause_ = never;
      for (std::size_t n = group_from_; n < children_.size(); ++n)
        if (children_[n].is == state::dormant) children_[n].is = state::waits;
      for (std::size_t n = group_from_; n < children_.size(); ++n)
        if (children_[n].is == state::waits) begin(n);
    }
    for (std::size_t n = 0; n < children_.size(); ++n) {
      child& one = children_[n];
      if (!closing_ && plan_.children[n].removed_at == now_) remove(n);
      if ((one.is == state::runs || one.is == state::stops || one.is == state::late) && one.ends == now_)
        end(n);
      if (one.is == state::stops && one.limit == now_) exceed(n);
      if (one.is == state::pauses && one.pause == now_) {
        if (!closing_) {
          begin(n);
        } else {
          one.is = state::gone;
          cut_short_ = cut_short_ || from_outside_;
        }
      }
    }
    settle();
  }
  void begin(std::size_t n) {
    child& one = children_[n];
    const std::vector<life>& lives = plan_.children[n].lives;
    const life& next = lives[std::min(one.lives++, lives.size() - 1)];
    one.is = state::runs;
    one.begun = now_;
    one.ends = next.lasts >= never ? never : now_ + next.lasts;
    one.fails = next.fails;
    one.obeys_after = next.obeys_after;
    one.asked = false;
    note(n, '+');
  }
  void note(std::size_t n, char what) { outcome_.events.push_back({now_, n, what}); }
  // Asks a child to stop; true if it has ended at once.
  bool ask(std::size_t n) {
    child& one = children_[n];
    one.is = state::stops;
    one.asked = true;
    one.ends = now_ + one.obeys_after;
    one.limit = plan_.children[n].stop_within >= never ? never : now_ + plan_.children[n].stop_within;
    if (one.obeys_after != 0) {
      if (one.ends == one.limit) ambiguous_ = true;
      return false;
    }
    end(n);
    return true;
  }
  void remove(std::size_t n) {
    child& one = children_[n];
    if (one.is == state::gone) return;
    one.removed = true;
    if (one.is == state::runs)
      ask(n);
    else if (one.is != state::stops && one.is != state::late)
      one.is = state::gone;
  }
  void exceed(std::size_t n) {
    child& one = children_[n];
    one.is = state::late;
    note(n, '~');
    if (closing_ || one.removed) return;
    closing_ = true;
    outcome_.end = "late " + std::to_string(n);
  }
  void end(std::size_t n) {
    child& one = children_[n];
    const child_plan& its = plan_.children[n];
    note(n, '-');
    if (one.asked || closing_) {
      // One that obeys at once was cancelled; one that takes a while returns.
      if (closing_ && from_outside_ && one.asked && one.obeys_after == 0) cut_short_ = true;
      // One that fails by itself meanwhile fails the supervisor.
      if (closing_ && !one.asked && one.fails && outcome_.end.empty()) outcome_.end = "as planned";
      one.is =
          one.removed || closing_ || its.policy == restart_policy::temporary ? state::gone : state::waits;
      return;
    }
    if ((group_stops_ || group_pause_ != never) && n >= group_from_ &&
        its.policy != restart_policy::temporary) {
      one.is = state::waits;
      return;
    }
    const bool again =
        its.policy == restart_policy::permanent || (its.policy == restart_policy::transient && one.fails);
    if (!again) {
      const bool stays =
          its.policy == restart_policy::transient && plan_.how.strategy != restart_strategy::one_for_one;
      one.is = stays ? state::dormant : state::gone;
      return;
    }
    restart(n);
  }
  [[nodiscard]] static long ms(loop_clock::duration d) { return static_cast<long>(d / 1ms); }
  void restart(std::size_t n) {
    child& one = children_[n];
    if (const long within = ms(plan_.how.within); within > 0) {
      std::size_t recent = 0;
      for (const long t : restarts_) recent += now_ - t < within;
      if (recent >= plan_.how.restarts) {
        closing_ = true;
        outcome_.end = "too many " + std::to_string(n);
        one.is = state::gone;
        return;
      }
      restarts_.push_back(now_);
    }
    if (now_ - one.begun > ms(plan_.how.cap)) one.failures = 0;
    long pause = ms(plan_.how.base);
    for (int doubled = 0; doubled < one.failures && pause < ms(plan_.how.cap); ++doubled) pause *= 2;
    pause = std::min(pause, ms(plan_.how.cap));
    ++one.failures;
    if (plan_.how.strategy == restart_strategy::one_for_one) {
      one.is = state::pauses;
      one.pause = now_ + pause;
      return;
    }
    one.is = state::waits;
    const std::size_t from = plan_.how.strategy == restart_strategy::one_for_all ? 0 : n;
    group_from_ = group_stops_ || group_pause_ != never ? std::min(group_from_, from) : from;
    group_stops_ = true;
    group_pause_ = never;
    earliest_ = now_ + pause;
  }
  // What follows at once.
  void settle() {
    if (closing_) {
      group_stops_ = false;
      group_pause_ = never;
      for (std::size_t n = children_.size(); n-- > 0;) {
        child& one = children_[n];
        if (one.is == state::stops) return;
        if (one.is == state::pauses || one.is == state::waits) {
          one.is = state::gone;
          cut_short_ = cut_short_ || from_outside_;
        }
        if (one.is == state::dormant) one.is = state::gone;
        if (one.is == state::runs && !ask(n)) return;
      }
    } else if (group_stops_) {
      for (std::size_t n = children_.size(); n-- > group_from_;) {
        child& one = children_[n];
        if (one.is == state::stops || one.is == state::late) return;
        if (one.is == state::runs && !ask(n)) return;
      }
      group_stops_ = false;
      group_pause_ = std::max(earliest_, now_);
      if (group_pause_ == now_) ambiguous_ = true;  // in this instant, but a turn later
    }
    const bool any_waits =
        std::ranges::any_of(children_.begin() + static_cast<std::ptrdiff_t>(group_from_), children_.end(),
                            [](const child& each) { return each.is == state::waits; });
    if (!any_waits) group_pause_ = never;  // they were removed meanwhile
  }

  const plan& plan_;
  std::vector<child> children_;
  outcome outcome_;
  std::vector<long> restarts_;
  long now_ = 0, earliest_ = 0, group_pause_ = never;
  std::size_t group_from_ = 0;
  bool group_stops_ = false, closing_ = false, from_outside_ = false, cut_short_ = false, ambiguous_ = false;
};

// ---- the real one

class program {
 public:
  explicit program(const plan& of) : plan_(of), lives_(of.children.size(), 0) {}
  outcome run() {
    const sim::virtual_time clock;
    loop here;
    start_ = loop_clock::now();
    const auto observe = [this](const child_report& it) {
      if (it.failure != nullptr && *it.failure == std::errc::timed_out) note(index(it.name), '~');
    };
    const auto body = [this](supervisor& all) { return scripted(all); };
    auto whole = with_supervisor(plan_.how, body, observe);
    const auto ended =
        here.run(as_result(with_timeout(std::move(whole), std::chrono::milliseconds(plan_.stopped_at))));
    outcome_.ended_at = ms_now();
    outcome_.end = name(ended);
    return outcome_;
  }

 private:
  [[nodiscard]] long ms_now() const { return static_cast<long>((loop_clock::now() - start_) / 1ms); }
  void note(std::size_t n, char what) { outcome_.events.push_back({ms_now(), n, what}); }
  [[nodiscard]] static std::size_t index(std::string_view name) { return std::stoul(std::string(name)); }
  static std::string name(const result<void>& ended) {
    if (ended) return "value";
    const std::string text = ended.error().message();  // "with_supervisor n: …"
    if (ended == errc::too_many_restarts) return "too many " + text.substr(16, 1);
    if (ended.error().call() == std::string_view("with_supervisor")) return "late " + text.substr(16, 1);
    return ended == std::errc::timed_out ? "cancelled" : text;
  }

  struct noted {
    program& in;
    std::size_t n;
    noted(program& p, std::size_t number) : in(p), n(number) { in.note(n, '+'); }
    noted(const noted&) = delete;
    noted& operator=(const noted&) = delete;
    ~noted() { in.note(n, '-'); }
  };
  task<> child(std::size_t n) {
    const noted here(*this, n);
    const std::vector<life>& lives = plan_.children[n].lives;
    const life now = lives[std::min(lives_[n]++, lives.size() - 1)];
    auto sleeps = as_result(sleep_for(std::chrono::milliseconds(now.lasts)));
    const auto slept = co_await std::move(sleeps);
    if (slept && now.fails) throw std::runtime_error("as planned");
    if (slept) co_return;
    if (now.obeys_after == 0) slept.error().rethrow();
    co_await shield(sleep_for(std::chrono::milliseconds(now.obeys_after)));
  }
  task<> scripted(supervisor& all) {
    std::vector<std::pair<long, child_id>> removals;
    for (std::size_t n = 0; n < plan_.children.size(); ++n) {
      const child_plan& one = plan_.children[n];
      const std::string name = std::to_string(n);
      const auto within = one.stop_within >= never
                              ? loop_clock::duration::max()
                              : loop_clock::duration(std::chrono::milliseconds(one.stop_within));
      const child_id id = all.spawn([this, n] { return child(n); },
                                    {.name = name, .restart = one.policy, .stop_within = within});
      if (one.removed_at != never) removals.emplace_back(one.removed_at, id);
    }
    std::ranges::sort(removals, {}, &std::pair<long, child_id>::first);
    for (const auto& [at, id] : removals) {
      co_await sleep_until(start_ + std::chrono::milliseconds(at));
      auto removal = all.remove(id);
      detach(as_result(std::move(removal)));  // the script does not wait for it
    }
  }

  const plan& plan_;
  std::vector<std::size_t> lives_;
  outcome outcome_;
  loop_clock::time_point start_{};
};

std::string text_of(const outcome& of) {
  std::string text;
  for (const event& each : of.events)
    text += std::to_string(each.at) + each.what + std::to_string(each.child) + " ";
  return text + of.end + " " + std::to_string(of.ended_at);
}

bool agrees(std::uint64_t seed) {
  const plan made = planner(seed).make();
  const std::optional<outcome> expected = model(made).run();
  if (!expected) return false;
  CHECK(text_of(program(made).run()) == text_of(*expected));
  return true;
}

}  // namespace

TEST_CASE("supervisor: random programs begin, stop and restart children as a model does",
          "[supervisor][property]") {
  if (const char* const seed = std::getenv("BRAID_TEST_SEED")) {
    agrees(std::stoull(seed));
    return;
  }
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 4'000; ++seed) {
    INFO("BRAID_TEST_SEED=" << seed);
    compared += agrees(seed);
  }
  CHECK(compared > 3'000);
}
