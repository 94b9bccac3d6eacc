// Random programs of nested joins, compared with a model without loops, coroutines and stop tokens.
// BRAID_TEST_SEED=n runs program n alone and prints its course.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "braid/combine/first_ok.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

using namespace braid;

namespace {

enum class kind { leaf, stubborn_leaf, all, any, ok, settled };

// A tree of joins whose leaves wait for promises. A stubborn leaf ignores stop requests.
struct node {
  kind what = kind::leaf;
  std::size_t leaf = 0;
  std::vector<node> children;
};

// One step of a program: settle a promise, request stop, or let the loop turn.
struct event {
  enum { settles, fails, stops, turns } what;
  std::size_t leaf = 0;
};

struct program {
  node root;
  std::size_t leaves = 0;
  std::vector<event> events;

  explicit program(std::uint64_t seed) : random_(seed) {
    root = grow(3);
    for (std::size_t leaf = 0; leaf < leaves; ++leaf)
      events.push_back({chance(3) ? event::fails : event::settles, leaf});
    if (chance(2)) events.push_back({event::stops});
    for (std::size_t left = events.size(); left > 1; --left) std::swap(events[left - 1], events[below(left)]);
    std::vector<event> paced;
    const bool always = chance(2);
    for (const event& each : events) {
      paced.push_back(each);
      if (always || chance(3)) paced.push_back({event::turns});
    }
    paced.push_back({event::turns});
    events = std::move(paced);
  }

 private:
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }
  bool chance(std::size_t of) { return below(of) == 0; }
  node grow(int depth) {
    if (depth == 0 || (depth < 3 && chance(3)))
      return {chance(5) ? kind::stubborn_leaf : kind::leaf, leaves++, {}};
    node join;
    join.what = static_cast<kind>(static_cast<std::size_t>(kind::all) + below(4));
    for (std::size_t children = 1 + below(4); children > 0; --children)
      join.children.push_back(grow(depth - 1));
    return join;
  }
  std::mt19937_64 random_;
};

constexpr int cancelled_code = 0;
constexpr int code_of(std::size_t leaf) { return 1000 + static_cast<int>(leaf); }

// A result in the form in which the joins and the model are compared.
struct outcome {
  std::string value;  // empty after a failure
  std::optional<int> code;
  std::vector<outcome> suppressed;

  [[nodiscard]] std::string text() const {
    if (!code) return value;
    std::string all = *code == cancelled_code ? "!cancelled" : "!" + std::to_string(*code);
    for (const outcome& each : suppressed) all += "[" + each.text() + "]";
    return all;
  }
};
outcome seen(const error& why) {
  outcome failed{{}, why == std::errc::operation_canceled ? cancelled_code : why.code().value(), {}};
  for (const error& each : why.suppressed()) failed.suppressed.push_back(seen(each));
  return failed;
}
outcome seen(const result<std::string>& ended) {
  if (!ended) return seen(ended.error());
  return {*ended, {}, {}};
}

std::string listed(const char* name, const std::vector<std::string>& parts) {
  std::string all = std::string(name) + "(";
  for (const std::string& each : parts) all += each + " ";
  return all + ")";
}
std::string won(const char* name, std::size_t index, const std::string& value) {
  return listed(name, {std::to_string(index), value});
}

// ---- the joins themselves ---------------------------------------------------------------------------

struct world {
  std::vector<promise<int>> promises;
  std::size_t running = 0;  // leaves that run
};

task<std::string> leaf_of(const node& what, world& in) {
  struct counted {
    std::size_t& running;
    explicit counted(std::size_t& r) : running(++r) {}
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --running; }
  } const here(in.running);
  auto settled = in.promises[what.leaf].get_future();
  const int value =
      what.what == kind::leaf ? co_await std::move(settled) : co_await shield(std::move(settled));
  co_return std::to_string(value);
}

task<std::string> join_of(const node& what, world& in) {
  if (what.children.empty()) co_return co_await leaf_of(what, in);
  std::vector<task<std::string>> children;
  for (const node& each : what.children) children.push_back(join_of(each, in));
  switch (what.what) {
    case kind::all: {
      const auto all = co_await when_all(std::move(children));
      co_return listed("all", all);
    }
    case kind::any: {
      const auto first = co_await when_any(std::move(children));
      co_return won("any", first.index, first.value);
    }
    case kind::ok: {
      const auto first = co_await first_ok(std::move(children));
      co_return won("ok", first.index, first.value);
    }
    default: {
      std::vector<std::string> parts;
      for (const auto& each : co_await when_all_settled(std::move(children)))
        parts.push_back(seen(each).text());
      co_return listed("settled", parts);
    }
  }
}

// ---- the model ---------------------------------------------------------------------------------------

// When the loop turns, leaves end in the order of their events. A stop request reaches the operations of a
// join from the last to the first.
class model {
 public:
  explicit model(const program& of) : leaves_(of.leaves, nullptr), root_(of.root, nullptr, 0, *this) {}

  void settle(std::size_t leaf) { happens(*leaves_[leaf], {std::to_string(leaf), {}, {}}); }
  void fail(std::size_t leaf) { happens(*leaves_[leaf], {{}, code_of(leaf), {}}); }
  void stop() { stop(root_); }
  void turn() {
    for (; !queue_.empty(); queue_.pop_front()) end(*queue_.front().first, queue_.front().second);
  }
  [[nodiscard]] std::size_t running() const { return running_; }
  [[nodiscard]] const std::optional<outcome>& ended() const { return root_.ended; }

 private:
  struct state {
    state(const node& n, state* p, std::size_t i, model& in) : what(n.what), parent(p), index(i) {
      if (n.children.empty()) {
        in.leaves_[n.leaf] = this;
        ++in.running_;
      }
      for (const node& each : n.children)
        children.push_back(std::make_unique<state>(each, this, children.size(), in));
      pending = children.size();
    }
    kind what;
    state* parent;
    std::size_t index;
    std::vector<std::unique_ptr<state>> children;
    std::size_t pending = 0;
    bool ended_by_event = false;  // of a leaf: an event has settled it
    bool stopping = false;  // of a join
    std::optional<std::size_t> winner;
    std::optional<outcome> failure;
    std::optional<outcome> ended;
  };

  void happens(state& leaf, outcome what) {
    if (std::exchange(leaf.ended_by_event, true)) return;
    queue_.emplace_back(&leaf, std::move(what));
  }
  void stop(state& which) {
    if (which.ended) return;
    if (which.what == kind::leaf) return happens(which, {{}, cancelled_code, {}});
    if (std::exchange(which.stopping, true)) return;
    for (auto each = which.children.rbegin(); each != which.children.rend(); ++each) stop(**each);
  }
  void end(state& which, outcome how) {
    if (which.children.empty()) --running_;
    which.ended = std::move(how);
    if (which.parent == nullptr) return;
    state& join = *which.parent;
    child_ended(join, which);
    if (--join.pending == 0) end(join, outcome_of(join));
  }
  void child_ended(state& join, const state& child) {
    const outcome& how = *child.ended;
    if (join.what == kind::settled || join.winner) return;
    if (join.what == kind::any || (join.what == kind::ok && !how.code)) {
      join.winner = child.index;
      return stop(join);
    }
    if (!how.code) return;
    if (!join.failure) {
      join.failure = how;
      if (join.what == kind::all) stop(join);
    } else if (*how.code == cancelled_code) {
      suppress_those_of(*join.failure, how);
    } else if (*join.failure->code == cancelled_code) {  // a failure goes before a cancellation
      suppress_those_of(*join.failure, std::exchange(*join.failure, how));
    } else {
      join.failure->suppressed.push_back(how);
    }
  }
  static void suppress_those_of(outcome& by, const outcome& canceled) {
    by.suppressed.insert(by.suppressed.end(), canceled.suppressed.begin(), canceled.suppressed.end());
  }
  static outcome outcome_of(const state& join) {
    if (join.winner) {
      const outcome& how = *join.children[*join.winner]->ended;
      if (how.code) return how;
      return {won(join.what == kind::any ? "any" : "ok", *join.winner, how.value), {}, {}};
    }
    if (join.what == kind::ok && join.stopping && join.failure->code != cancelled_code)
      return {{}, cancelled_code, {*join.failure}};  // the stop came from outside
    if (join.failure) return *join.failure;
    std::vector<std::string> parts;
    for (const auto& each : join.children) parts.push_back(each->ended->text());
    return {listed(join.what == kind::all ? "all" : "settled", parts), {}, {}};
  }

  std::vector<state*> leaves_;
  std::size_t running_ = 0;
  std::deque<std::pair<state*, outcome>> queue_;
  state root_;
};

// ---- the comparison ----------------------------------------------------------------------------------

// Describes the first difference; empty if there is none.
std::string difference(loop& here, const program& what, std::string& ended_as) {
  world real{std::vector<promise<int>>(what.leaves)};
  auto joined = spawn(join_of(what.root, real));
  model expected(what);
  std::size_t at = 0;
  for (const event& each : what.events) {
    ++at;
    switch (each.what) {
      case event::settles:
        real.promises[each.leaf].set_value(static_cast<int>(each.leaf));
        expected.settle(each.leaf);
        break;
      case event::fails:
        real.promises[each.leaf].set_error(std::error_code(code_of(each.leaf), std::generic_category()));
        expected.fail(each.leaf);
        break;
      case event::stops:
        joined.request_stop();
        expected.stop();
        break;
      case event::turns:
        for (int turn = 0; turn < 8; ++turn) here.run(yield());
        expected.turn();
        if (real.running != expected.running())
          return fmt::format("after event {}: {} leaves run, not {}", at, real.running, expected.running());
        if (joined.is_ready() != expected.ended().has_value())
          return fmt::format("after event {}: the join {} have ended", at,
                             joined.is_ready() ? "should not" : "should");
    }
  }
  if (!joined.is_ready()) return "the join never ends";
  ended_as = seen(here.run(as_result(std::move(joined)))).text();
  const std::string right = expected.ended()->text();
  return ended_as == right ? "" : fmt::format("the join ends as {}, not as {}", ended_as, right);
}

}  // namespace

TEST_CASE("joins: random nested joins agree with their model", "[join][property]") {
  loop here;
  here.on_unhandled_error([](const error&) {});  // from losers that were left behind
  std::uint64_t first = 1, last = 3000;
  const char* chosen = std::getenv("BRAID_TEST_SEED");
  if (chosen != nullptr) first = last = std::strtoull(chosen, nullptr, 10);
  std::size_t values = 0, errors = 0, cancellations = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    std::string ended_as;
    const std::string wrong = difference(here, program(seed), ended_as);
    if (!wrong.empty()) FAIL("BRAID_TEST_SEED=" << seed << ": " << wrong);
    if (chosen != nullptr) WARN("BRAID_TEST_SEED=" << seed << " ended as " << ended_as);
    ++(ended_as.starts_with("!cancelled") ? cancellations : ended_as.starts_with("!") ? errors : values);
  }
  if (chosen != nullptr) return;
  CHECK(values > 500);  // the programs differ enough from each other
  CHECK(errors > 300);
  CHECK(cancellations > 100);
}
