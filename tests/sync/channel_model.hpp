#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/select.hpp"
#include "braid/sync/try_select.hpp"
#include "braid/sync/when.hpp"
#include "scripted_choices.hpp"

/// Real channels and a simple model of them, side by side.
namespace braid_tests {

/// An operation of a channel: sends this element, or receives. A disabled one takes no part.
struct channel_step {
  std::size_t channel = 0;
  std::optional<int> sends = {};
  bool disabled = false;
};

/// A choice between such operations.
struct channel_choice {
  std::vector<channel_step> steps;
  bool as_range = false;  // a range of operations, which are all sends or all receives
  bool waits = true;  // else it is a try_select
  std::optional<std::size_t> from = {};  // fair, and it begins with this one
};

/// The state of an operation. An element that it received follows the word.
inline const std::string waits = "waits", sent = "sent", refused = "refused", none_left = "none",
                         stopped = "stopped", nothing = "nothing", disabled = "disabled";
inline std::string received(int element) { return "received " + std::to_string(element); }

/// The model: lists that are searched.
class channel_model {
 public:
  explicit channel_model(std::vector<std::size_t> capacities) : channels_(capacities.size()) {
    for (std::size_t i = 0; i < capacities.size(); ++i) channels_[i].capacity = capacities[i];
  }

  /// Begins an operation. Operations are numbered from 0.
  void begin(const channel_choice& of) {
    operations_.push_back({of.steps, waits});
    auto& mine = operations_.back();
    const std::size_t count = of.steps.size();
    for (std::size_t i = 0; i != count; ++i) {
      const channel_step& step = mine.choices[(of.from.value_or(0) + i) % count];
      if (!step.disabled && can(step)) return make(mine, step);
    }
    if (!of.waits)
      mine.state = nothing;
    else if (std::ranges::all_of(of.steps, [](const channel_step& each) { return each.disabled; }))
      mine.state = disabled;
  }
  void stop(std::size_t which) {
    if (operations_[which].state == waits) operations_[which].state = stopped;
  }
  void close(std::size_t which) {
    channels_[which].closed = true;
    for (auto& each : operations_) {
      if (each.state != waits) continue;
      for (const channel_step& step : each.choices)
        if (step.channel == which && !step.sends && !step.disabled) each.state = none_left;
    }
  }
  [[nodiscard]] const std::string& state(std::size_t which) const { return operations_[which].state; }
  [[nodiscard]] std::size_t count() const { return operations_.size(); }
  [[nodiscard]] const std::deque<int>& elements(std::size_t which) const { return channels_[which].elements; }

 private:
  struct operation {
    std::vector<channel_step> choices;
    std::string state;
  };
  struct one_channel {
    std::size_t capacity = 0;
    bool closed = false;
    std::deque<int> elements;
  };

  // The operation that has waited longest to do this with the channel.
  std::pair<operation*, const channel_step*> waiting(std::size_t which, bool to_send) {
    for (auto& each : operations_) {
      if (each.state != waits) continue;
      for (const channel_step& step : each.choices)
        if (step.channel == which && step.sends.has_value() == to_send && !step.disabled)
          return {&each, &step};
    }
    return {};
  }
  bool can(const channel_step& step) {
    const one_channel& it = channels_[step.channel];
    const auto hold = std::exchange(operations_.back().state, std::string("begins"));  // cannot meet itself
    const bool other = waiting(step.channel, !step.sends).first != nullptr;
    operations_.back().state = hold;
    if (step.sends) return it.closed || other || it.elements.size() < it.capacity;
    return !it.elements.empty() || other || it.closed;
  }
  void make(operation& mine, const channel_step& step) {
    one_channel& it = channels_[step.channel];
    mine.state = "begins";
    const auto [other, its_step] = waiting(step.channel, !step.sends);
    if (step.sends && it.closed) {
      mine.state = refused;
    } else if (step.sends) {
      mine.state = sent;
      if (other != nullptr)
        other->state = received(*step.sends);
      else
        it.elements.push_back(*step.sends);
    } else if (!it.elements.empty()) {
      mine.state = received(it.elements.front());
      it.elements.pop_front();
      if (other != nullptr && it.elements.size() < it.capacity) {
        it.elements.push_back(*its_step->sends);
        other->state = sent;
      }
    } else if (other != nullptr) {
      mine.state = received(*its_step->sends);
      other->state = sent;
    } else {
      mine.state = none_left;
    }
  }

  std::vector<one_channel> channels_;
  std::deque<operation> operations_;
};

/// The same interface to real channels on the current loop, whose reactor is scripted_choices where a choice
/// is fair. An operation has one choice or two, or more in a range.
class real_channels {
  auto send(const channel_step& step) { return channels_[step.channel]->send(*step.sends); }
  auto receive(const channel_step& step) { return channels_[step.channel]->receive(); }

 public:
  explicit real_channels(const std::vector<std::size_t>& capacities) {
    for (const std::size_t each : capacities)
      channels_.push_back(std::make_unique<braid::channel<int>>(each));
  }
  ~real_channels() {
    for (auto& each : operations_) each->stop.request_stop();
    braid::loop::current().run();
  }

  void begin(const channel_choice& of) {
    operations_.push_back(std::make_unique<operation>());
    if (of.from) scripted_choices::next = *of.from;
    if (of.as_range)
      return of.steps[0].sends ? begin_range(of, [&](const channel_step& step) { return send(step); })
                               : begin_range(of, [&](const channel_step& step) { return receive(step); });
    with(of.steps[0], [&](auto first) {
      if (of.steps.size() == 1) return begin_pack(of, std::move(first));
      with(of.steps[1], [&](auto second) { begin_pack(of, std::move(first), std::move(second)); });
    });
  }
  void stop(std::size_t which) { operations_[which]->stop.request_stop(); }
  void close(std::size_t which) { channels_[which]->close(); }
  /// Valid once the loop has run.
  [[nodiscard]] const std::string& state(std::size_t which) const { return operations_[which]->state; }
  [[nodiscard]] bool finished_once() const {
    return std::all_of(operations_.begin(), operations_.end(),
                       [](const auto& each) { return each->finished == (each->state == waits ? 0 : 1); });
  }
  [[nodiscard]] std::deque<int> take_elements(std::size_t which) {
    std::deque<int> left;
    for (std::size_t n = channels_[which]->size(); n > 0; --n)
      left.push_back(*channels_[which]->try_receive());
    return left;
  }

 private:
  struct operation {
    braid::stop_source stop;
    std::string state = waits;
    int finished = 0;
  };
  template <class GoOn>
  void with(const channel_step& step, GoOn go_on) {
    if (step.sends)
      go_on(send(step));
    else
      go_on(receive(step));
  }
  template <class Make>
  void begin_range(const channel_choice& of, Make make) {
    std::vector<decltype(braid::when(true, make(of.steps[0])))> ops;
    for (const channel_step& each : of.steps)
      ops.push_back(braid::when(!each.disabled, [&] { return make(each); }));
    begin_select(of, std::move(ops));
  }
  template <class... S>
  void begin_pack(const channel_choice& of, S... ops) {
    const bool all = std::ranges::none_of(of.steps, [](const channel_step& each) { return each.disabled; });
    if (all && of.waits && !of.from && sizeof...(S) == 1) return (begin_one(std::move(ops)), ...);
    if (all) return begin_select(of, std::move(ops)...);
    auto step = of.steps.begin();
    std::tuple enabled{braid::when(!(step++)->disabled, std::move(ops))...};
    std::apply([&](auto&... each) { begin_select(of, std::move(each)...); }, enabled);
  }
  template <class... X>
  void begin_select(const channel_choice& of, X... ops) {
    const auto order = of.from ? braid::select_order::fair : braid::select_order::first;
    if (of.waits) return begin_one(braid::select(order, std::move(ops)...));
    operation& mine = *operations_.back();
    ++mine.finished;
    try {
      const auto made = braid::try_select(order, std::move(ops)...);
      mine.state = made ? word(*made) : nothing;
    } catch (...) {
      mine.state = word(braid::error::current());
    }
  }

  static std::string word(const std::optional<int>& element) {
    return element ? received(*element) : none_left;
  }
  static std::string word(std::monostate) { return sent; }
  static std::string word(const braid::error& failure) {
    if (failure == braid::errc::channel_closed) return refused;
    return failure == std::errc::operation_canceled ? stopped : disabled;
  }
  template <class V>
  static std::string word(const braid::any_result<V>& made) {
    return word(made.value);
  }
  template <class... V>
  static std::string word(const braid::any_result<std::variant<V...>>& made) {
    return std::visit([](const auto& value) { return word(value); }, made.value);
  }
  template <class S>
  void begin_one(S op) {
    operation& mine = *operations_.back();
    using value = braid::value_of<S>;
    braid::start(braid::with_stop_token(std::move(op), mine.stop.get_token()),
                 [&mine](braid::result<value> ended) {
                   ++mine.finished;
                   if (!ended)
                     mine.state = word(ended.error());
                   else if constexpr (std::is_void_v<value>)
                     mine.state = sent;
                   else
                     mine.state = word(*ended);
                 });
  }

  std::vector<std::unique_ptr<braid::channel<int>>> channels_;
  std::vector<std::unique_ptr<operation>> operations_;
};

/// Runs both side by side.
class channel_pair {
 public:
  explicit channel_pair(const std::vector<std::size_t>& capacities)
      : size_(capacities.size()), model_(capacities), real_(capacities) {}

  void begin(const channel_choice& of) { model_.begin(of), real_.begin(of); }
  void stop(std::size_t which) { model_.stop(which), real_.stop(which); }
  void close(std::size_t which) { model_.close(which), real_.close(which); }
  [[nodiscard]] std::size_t count() const { return model_.count(); }

  /// Runs the loop; returns what differs, or nothing. Empties the channels, so it must be the last call.
  [[nodiscard]] std::string difference() {
    braid::loop::current().run();
    for (std::size_t i = 0; i < model_.count(); ++i)
      if (model_.state(i) != real_.state(i))
        return "operation " + std::to_string(i) + ": " + real_.state(i) + ", expected: " + model_.state(i);
    if (!real_.finished_once()) return "an operation finished more than once";
    for (std::size_t i = 0; i < size_; ++i) {
      // While elements are taken from a full channel, waiting senders add theirs at its end.
      auto left = real_.take_elements(i);
      if (left != model_.elements(i)) return "channel " + std::to_string(i) + " holds other elements";
    }
    return {};
  }

 private:
  std::size_t size_;
  channel_model model_;
  real_channels real_;
};

}  // namespace braid_tests
