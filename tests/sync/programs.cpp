#include "programs.hpp"

#include <algorithm>
#include <cstdlib>
#include <type_traits>

#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "sanitized.hpp"

using namespace std::chrono_literals;

namespace braid_tests {

namespace {

constexpr int must_wait = -2;

template <class V>
concept indexed = requires(V& value) { value.index; };

}  // namespace

// ---- beginning operations -----------------------------------------------------------------------------

template <kind K>
decltype(auto) sync_program::sender(wish& of) {
  sync_objects& o = objects_;
  const std::size_t w = of.which;
  if constexpr (K == kind::lock)
    return o.doors[w].lock();
  else if constexpr (K == kind::write)
    return o.books[w].lock();
  else if constexpr (K == kind::read)
    return o.books[w].lock_shared();
  else if constexpr (K == kind::acquire)
    return o.tickets[w].acquire();
  else if constexpr (K == kind::event)
    return o.events[w].wait();
  else if constexpr (K == kind::bell)
    return o.bells[w].wait();
  else if constexpr (K == kind::latch)
    return o.latches[w].wait();
  else if constexpr (K == kind::meet)
    return o.meetings[w].arrive_and_wait();
  else if constexpr (K == kind::send)
    return o.channels[w].send(element(of.sends));
  else if constexpr (K == kind::send_from) {
    static element of_disabled(1);  // which send nothing
    return o.channels[w].send_from(of.kept ? *of.kept : of_disabled);
  } else if constexpr (K == kind::reserve)
    return o.channels[w].reserve();
  else if constexpr (K == kind::receive)
    return o.channels[w].receive();
  else if constexpr (K == kind::news)
    return o.subscriptions[w].receive();
  else if constexpr (K == kind::latest)
    return o.readers[w].receive();
  else if constexpr (K == kind::beat)
    return o.beats[w].next();
  else if constexpr (K == kind::page)
    return (o.pages[w]);
  else
    return sleep_for(20s);
}

template <kind K, class V>
void sync_program::ended_with(program_step& step, wish& of, V value) {
  const std::size_t w = of.which;
  sync_objects& o = objects_;
  if constexpr (K == kind::lock) {
    if (held_of(0, &o.doors[w]) != 0) broken(step, "a mutex is held twice");
    held_.emplace_back(&o.doors[w], std::move(value));
  } else if constexpr (K == kind::write) {
    if (held_of(1, &o.books[w]) + held_of(2, &o.books[w]) != 0) broken(step, "a writer beside others");
    held_.emplace_back(&o.books[w], std::move(value));
  } else if constexpr (K == kind::read) {
    if (held_of(1, &o.books[w]) != 0) broken(step, "a reader beside a writer");
    held_.emplace_back(&o.books[w], std::move(value));
  } else if constexpr (K == kind::acquire) {
    held_.emplace_back(&o.tickets[w], std::move(value));
  } else if constexpr (K == kind::event) {
    if (!o.events[w].is_set() && event_set_[w] < step.number && step.at_once == must_wait)
      broken(step, "an event that was not set");
  } else if constexpr (K == kind::bell) {
    ++rung_[w];
  } else if constexpr (K == kind::latch) {
    if (latch_left_[w] != 0) broken(step, "a latch opened too early");
  } else if constexpr (K == kind::meet) {
    ++met_[w];
  } else if constexpr (K == kind::send || K == kind::send_from) {
    accepted(w, of.sends);
  } else if constexpr (K == kind::reserve) {
    if (w == 0) rendezvous_permits_ = true;
    held_.emplace_back(&o.channels[w], std::pair(w, std::move(value)));
  } else if constexpr (K == kind::receive) {
    received(w, value);
  } else if constexpr (K == kind::news) {
    if (!value) {
      if (!news_closed_) broken(step, "the end of a broadcast that is open");
      return;
    }
    const auto number = static_cast<std::size_t>(*value);
    if (number < news_next_[w] || number > news_sent_) broken(step, "news of another order");
    news_skipped_[w] += number - news_next_[w];
    news_next_[w] = number + 1;
    if (o.subscriptions[w].missed() < news_skipped_[w]) broken(step, "missed news are not counted");
  } else if constexpr (K == kind::latest) {
    if (!value) {
      if (!latest_closed_) broken(step, "the end of a watch that is open");
    } else if (*value > latest_version_ || std::exchange(latest_seen_[w], *value) >= *value) {
      broken(step, "an old value");
    }
  } else if constexpr (K == kind::page) {
    if (value != std::exchange(settled_[w], 0)) broken(step, "the value of another future");
    if (o.pages[w].valid()) broken(step, "a future was chosen and is not moved from");
    o.asked[w] = promise<int>();
    o.pages[w] = o.asked[w].get_future();
  }
}

// Records the operation, with a wish for each of its kinds.
program_step& sync_program::add_step(const std::vector<kind>& of) {
  steps_.push_back(std::make_unique<program_step>());
  program_step& step = *steps_.back();
  step.number = now_;
  for (const kind each : of) step.wishes.push_back({each, is_channel(each) ? up_to(2) : up_to(1)});
  std::size_t enabled = step.wishes.size();
  for (wish& each : step.wishes) {
    // Only one operation at a time may wait for a future.
    const bool waited_for =
        each.what == kind::page &&
        (waiting(kind::page, each.which) != 0 || std::ranges::any_of(step.wishes, [&](const wish& other) {
           return &other < &each && other.what == kind::page && other.which == each.which;
         }));
    each.disabled = waited_for || (enabled > 1 && up_to(7) == 0);
    if (each.disabled) each.what = kind::pause, --enabled;
    if (!is_sending(each.what)) continue;
    each.sends = ++next_id_;
    if (each.what == kind::send_from) each.kept = std::make_unique<element>(each.sends);
    sent_[each.which].push_back({each.sends, now_, -1});
  }
  return step;
}

// Foretells what must be chosen at once.
void sync_program::note_begin(program_step& step) {
  if (at_rest_) {
    step.at_once = must_wait;
    for (std::size_t i = 0; i < step.wishes.size() && step.at_once == must_wait; ++i) {
      const answer can = can_now(step.wishes[i]);
      if (can != answer::no) step.at_once = can == answer::yes ? static_cast<int>(i) : program_step::unknown;
      // A receiver that begins to wait may hand a permit to a waiting reserve, which changes what is
      // possible.
      if (can == answer::no && step.wishes[i].what == kind::receive && waiting(kind::reserve, 0) != 0)
        step.at_once = program_step::unknown;
    }
  }
  waiting_.push_back(&step);
}

template <class Op, class Chosen>
void sync_program::start_step(program_step& step, Op op, Chosen chosen) {
  using value = value_of<Op>;
  start(with_stop_token(std::move(op), step.stop.get_token()), [this, &step, chosen](result<value> r) {
    if (!r) return ended_with_error(step, r.error());
    if constexpr (indexed<value>)
      note_end(step, r->index);
    else
      note_end(step, 0);
    chosen(r);
  });
}

template <kind... K, std::size_t... I>
void sync_program::start_select(program_step& step, std::index_sequence<I...>) {
  const auto start_with = [&](auto op) {
    start_step(step, std::move(op), [self = this, &step](auto& r) {
      (void)((r->index == I
                  ? (self->ended_with<K>(step, step.wishes[I], std::get<I>(std::move(r->value))), true)
                  : false) ||
             ...);
    });
  };
  if (std::ranges::none_of(step.wishes, [](const wish& each) { return each.disabled; }) && up_to(1) == 0)
    return start_with(select(sender<K>(step.wishes[I])...));
  const bool fair = up_to(2) == 0;
  if (fair && step.at_once >= 0) step.at_once = program_step::unknown;  // another one may win
  start_with(select(fair ? select_order::fair : select_order::first,
                    when(!step.wishes[I].disabled, sender<K>(step.wishes[I]))...));
}

template <kind... K>
void sync_program::begin_as() {
  program_step& step = add_step({K...});
  note_begin(step);
  if constexpr (sizeof...(K) == 1) {
    if (up_to(1) == 0) {
      (..., [&]<kind Only>() {
        start_step(step, sender<Only>(step.wishes[0]), [self = this, &step](auto& r) {
          if constexpr (std::is_void_v<typename std::remove_cvref_t<decltype(r)>::value_type>)
            self->ended_with<Only>(step, step.wishes[0], std::monostate());
          else
            self->ended_with<Only>(step, step.wishes[0], *std::move(r));
        });
      }.template operator()<K>());
      return;
    }
  }
  start_select<K...>(step, std::index_sequence_for<std::integral_constant<kind, K>...>());
}

// A select over a range of up to five operations of one kind.
template <kind K>
void sync_program::begin_range_of() {
  program_step& step = add_step(std::vector(1 + up_to(4), K));
  const bool fair = up_to(2) == 0;
  note_begin(step);
  if (fair && step.at_once >= 0) step.at_once = program_step::unknown;
  std::vector<decltype(when(true, sender<K>(step.wishes[0])))> ops;
  for (wish& each : step.wishes) ops.push_back(when(!each.disabled, sender<K>(each)));
  start_step(step, select(fair ? select_order::fair : select_order::first, std::move(ops)),
             [self = this, &step](auto& r) {
               self->ended_with<K>(step, step.wishes[r->index], std::move(r->value));
             });
}

void sync_program::begin() {
  using enum kind;
  switch (up_to(52)) {
    case 0: return begin_as<lock>();
    case 1: return begin_as<write>();
    case 2: return begin_as<read>();
    case 3: return begin_as<acquire>();
    case 4: return begin_as<event>();
    case 5: return begin_as<bell>();
    case 6: return begin_as<latch>();
    case 7: return begin_as<meet>();
    case 8: return begin_as<send>();
    case 9: return begin_as<send_from>();
    case 10: return begin_as<reserve>();
    case 11: return begin_as<receive>();
    case 12: return begin_as<news>();
    case 13: return begin_as<latest>();
    case 14: return begin_as<pause>();
    case 15: return begin_as<beat>();
    case 16: return begin_as<write, read, pause>();
    case 17: return begin_as<read, write>();
    case 18: return begin_as<meet, read>();
    case 19: return begin_as<meet, write, lock>();
    case 20: return begin_as<meet, meet>();
    case 21: return begin_as<send, receive>();
    case 22: return begin_as<receive, receive, pause>();
    case 23: return begin_as<reserve, receive>();
    case 24: return begin_as<send_from, reserve, write>();
    case 25: return begin_as<receive, read, meet>();
    case 26: return begin_as<acquire, acquire, lock>();
    case 27: return begin_as<event, write, send>();
    case 28: return begin_as<bell, bell, read>();
    case 29: return begin_as<latch, write, receive>();
    case 30: return begin_as<news, news, lock>();
    case 31: return begin_as<latest, latest, news>();
    case 32: return begin_as<beat, receive, write>();
    case 33: return begin_as<beat, beat>();
    case 34: return begin_as<read, read, write, write>();
    case 35: return begin_as<lock, lock, bell>();
    case 36: return begin_as<reserve, reserve, read, meet>();
    case 37: return begin_as<news, meet, send_from>();
    case 38: return begin_as<acquire, read, reserve, receive>();
    case 39: return begin_as<page, receive>();
    case 40: return begin_as<write, page, pause>();
    case 41: return begin_as<page, page, lock, meet>();
    case 42: return begin_as<bell, page, send_from>();
    case 43: return begin_as<page, read, page, beat>();
    case 44: return begin_range_of<lock>();
    case 45: return begin_range_of<read>();
    case 46: return begin_range_of<receive>();
    case 47: return begin_range_of<send_from>();
    case 48: return begin_range_of<meet>();
    case 49: return begin_range_of<reserve>();
    case 50: return begin_range_of<page>();
    case 51: return begin_range_of<beat>();
    default: return begin_as<write, meet, bell, receive>();
  }
}

// ---- other steps --------------------------------------------------------------------------------------

void sync_program::do_something_else() {
  sync_objects& o = objects_;
  const std::size_t w = up_to(1), c = up_to(2);
  switch (up_to(17)) {
    case 0: return event_set_[w] = now_, o.events[w].set();
    case 1: return o.events[w].reset();
    case 2:
    case 3: return bell_sets_[w] += o.bells[w].is_set() ? 0 : 1, o.bells[w].set();
    case 4: return bell_sets_[w] -= o.bells[w].is_set() ? 1 : 0, o.bells[w].reset();
    case 5:
      if (latch_left_[w] == 0) return;
      return --latch_left_[w], o.latches[w].count_down();
    case 6:
    case 7: {
      element sent(++next_id_);
      sent_[c].push_back({next_id_, now_, -1});
      if (o.channels[c].try_send(std::move(sent)))
        accepted(c, next_id_);
      else
        expect(sent.id == next_id_, "try_send took an element that it did not send");
      return;
    }
    case 8:
      if (auto taken = o.channels[c].try_receive()) received(c, taken);
      return;
    case 9:
      if (auto permit = o.channels[c].try_reserve()) {
        if (c == 0) rendezvous_permits_ = true;
        held_.emplace_back(&o.channels[c], std::pair(c, *std::move(permit)));
      }
      return;
    case 10:
      if (up_to(5) != 0) return;
      closed_[c] = true;
      if (up_to(1) == 0) return o.channels[c].close();
      closed_now_[c] = true;
      return o.channels[c].close_now();
    case 11:
    case 12:
      if (news_closed_) return;
      if (up_to(15) == 0) return news_closed_ = true, o.news.close();
      return o.news.send(static_cast<int>(++news_sent_));
    case 13:
      if (latest_closed_) return;
      if (up_to(15) == 0) return latest_closed_ = true, o.latest.close();
      return o.latest.set(++latest_version_);
    case 14:
    case 15:
      if (settled_[w] != 0) return;
      return settled_[w] = ++next_id_, o.asked[w].set_value(settled_[w]);
    case 16: return home_->run(sleep_for(std::chrono::seconds(1 + up_to(12))));
    default: return home_->turn(false);
  }
}

void sync_program::let_go(std::size_t which) {
  std::swap(held_[which], held_.back());
  auto gone = std::move(held_.back());
  held_.pop_back();
  auto* const permit = std::get_if<4>(&gone.second);
  if (permit == nullptr || up_to(2) == 0) return;
  sent_[permit->first].push_back({++next_id_, now_, now_});
  permit->second.send(element(next_id_));
}

void sync_program::step() {
  ++now_;
  if (up_to(2) == 0) check_at_rest();
  const std::size_t what = up_to(19);
  if (what < 11) {
    begin();
  } else if (what < 13) {
    if (!steps_.empty()) steps_[up_to(steps_.size() - 1)]->stop.request_stop();
  } else if (what < 16) {
    if (!held_.empty()) let_go(up_to(held_.size() - 1));
  } else {
    do_something_else();
  }
  at_rest_ = false;
  if (up_to(2) == 0) check_at_rest();
}

void sync_program::check_at_rest() {
  while (home_->operations().has_ready()) home_->turn(false);
  at_rest_ = true;
  check_conservation();
  check_order();
  check_no_waiter_stranded();
  just_ended_.clear();
  for (auto& each : just_received_) each.clear();
  if (permits(0) == 0) rendezvous_permits_ = false;
}

void sync_program::end() {
  ++now_;
  if (up_to(1) == 0) {
    check_at_rest();
    ending_ = true;
    for (program_step* each : std::vector(waiting_)) each->stop.request_stop();
    check_at_rest();
    expect(waiting_.empty(), "a stop request does not end an operation");
  }
  ending_ = true;
  home_.reset();
  waiting_.clear();
  check_conservation();
  while (!held_.empty()) let_go(held_.size() - 1);
  check_conservation();
}

// ---- reporting ----------------------------------------------------------------------------------------

void sync_program::broken(const program_step& by, const char* rule) {
  if (!fault_.empty()) return;
  fault_ = std::string(rule) + ": step " + std::to_string(by.number) + ", choice " +
           std::to_string(by.index) + " of";
  for (const wish& each : by.wishes)
    fault_ += " " + std::to_string(static_cast<int>(each.what)) + "/" + std::to_string(each.which);
}

void sync_program::note_end(program_step& step, std::size_t index) {
  if (std::exchange(step.ended, true)) broken(step, "an operation ended twice");
  step.index = index;
  if (step.at_once >= 0 && static_cast<std::size_t>(step.at_once) != index)
    broken(step, "the select did not choose the first choice that was possible at once");
  if (step.at_once == must_wait && step.number == now_)
    broken(step, "an operation that had to wait ended at once");
  std::erase(waiting_, &step);
  just_ended_.push_back(&step);
  for (std::size_t i = 0; i < step.wishes.size(); ++i)
    if (step.wishes[i].kept && (step.wishes[i].kept->id == 0) != (i == index))
      broken(step, "send_from must take its element if it is chosen, and only then");
}

void sync_program::ended_with_error(program_step& step, const error& why) {
  const bool refused = why == errc::channel_closed;
  std::size_t index = step.wishes.size();
  for (std::size_t i = step.wishes.size(); i-- > 0;) {
    const wish& each = step.wishes[i];
    if (refused && (is_sending(each.what) || each.what == kind::reserve) && closed_[each.which]) index = i;
    if (each.kept && each.kept->id == 0) broken(step, "send_from failed, but took its element");
  }
  if (std::exchange(step.ended, true)) broken(step, "an operation ended twice");
  std::erase(waiting_, &step);
  if (refused && index == step.wishes.size()) broken(step, "an open channel refused an operation");
  if (std::ranges::all_of(step.wishes, [](const wish& each) { return each.disabled; })) {
    if (why != errc::exception) broken(step, "a select of disabled operations did not fail");
    return;
  }
  if (!refused && !(why == std::errc::operation_canceled && (step.stop.stop_requested() || ending_)))
    broken(step, "an operation failed without a reason");
  if (!refused && step.at_once >= 0) broken(step, "an operation that was possible at once was cancelled");
}

namespace {

unsigned number_in(const char* variable, unsigned otherwise) {
  const char* const given = std::getenv(variable);
  return given == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(given, nullptr, 10));
}

}  // namespace

// Runs BRAID_TEST_PROGRAMS programs, from the seed BRAID_TEST_SEED on.
TEST_CASE("select: random programs over all its operations break no rule", "[select][property][programs]") {
  const unsigned first = number_in("BRAID_TEST_SEED", 1);
  const unsigned programs = number_in("BRAID_TEST_PROGRAMS", sanitized ? 300 : 2'000);
  std::string fault;
  for (unsigned seed = first; seed != first + programs && fault.empty(); ++seed) {
    std::mt19937 random(seed);
    sim::virtual_time time;
    sync_program program(random);
    for (auto steps = 1 + random() % 60; steps > 0 && program.fault().empty(); --steps) program.step();
    program.end();
    if (!program.fault().empty()) fault = "BRAID_TEST_SEED=" + std::to_string(seed) + ": " + program.fault();
  }
  CHECK(fault == "");
}

}  // namespace braid_tests
