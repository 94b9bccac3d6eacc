#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/select.hpp"

/// Real channels and a simple model of them, side by side.
namespace braid_tests {

/// An operation of a channel: sends this element, or receives.
struct channel_step {
  std::size_t channel = 0;
  std::optional<int> sends;
};

/// The state of an operation. An element that it received follows the word.
inline const std::string waits = "waits", sent = "sent", refused = "refused", none_left = "none",
                         stopped = "stopped";
inline std::string received(int element) { return "received " + std::to_string(element); }

/// The model: lists that are searched.
class channel_model {
 public:
  explicit channel_model(std::vector<std::size_t> capacities) : channels_(capacities.size()) {
    for (std::size_t i = 0; i < capacities.size(); ++i) channels_[i].capacity = capacities[i];
  }

  /// Begins an operation with one or more choices. Operations are numbered from 0.
  void begin(std::vector<channel_step> choices) {
    operations_.push_back({std::move(choices), waits});
    auto& mine = operations_.back();
    for (const channel_step& step : mine.choices)
      if (can(step)) return make(mine, step);
  }
  void stop(std::size_t which) {
    if (operations_[which].state == waits) operations_[which].state = stopped;
  }
  void close(std::size_t which) {
    channels_[which].closed = true;
    for (auto& each : operations_) {
      if (each.state != waits) continue;
      for (const channel_step& step : each.choices)
        if (step.channel == which && !step.sends) each.state = none_left;
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
        if (step.channel == which && step.sends.has_value() == to_send) return {&each, &step};
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

/// The same interface to real channels on the current loop. An operation has one choice or two.
class real_channels {
 public:
  explicit real_channels(const std::vector<std::size_t>& capacities) {
    for (const std::size_t each : capacities)
      channels_.push_back(std::make_unique<braid::channel<int>>(each));
  }
  ~real_channels() {
    for (auto& each : operations_) each->stop.request_stop();
    braid::loop::current().run();
  }

  void begin(const std::vector<channel_step>& choices) {
    operations_.push_back(std::make_unique<operation>());
    operation& mine = *operations_.back();
    const auto select_or_one = [&](auto first, auto... others) {
      if constexpr (sizeof...(others) == 0)
        begin_one(mine, std::move(first));
      else
        begin_one(mine, braid::select(std::move(first), std::move(others)...));
    };
    const auto with = [&](const channel_step& step, auto go_on) {
      if (step.sends)
        go_on(channels_[step.channel]->send(*step.sends));
      else
        go_on(channels_[step.channel]->receive());
    };
    with(choices[0], [&](auto first) {
      if (choices.size() == 1) return select_or_one(std::move(first));
      with(choices[1], [&](auto second) { select_or_one(std::move(first), std::move(second)); });
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
  static std::string word(const std::optional<int>& element) {
    return element ? received(*element) : none_left;
  }
  static std::string word(std::monostate) { return sent; }
  template <class... V>
  static std::string word(const braid::any_result<std::variant<V...>>& made) {
    return std::visit([](const auto& value) { return word(value); }, made.value);
  }
  template <class S>
  void begin_one(operation& mine, S op) {
    using value = braid::value_of<S>;
    braid::start(braid::with_stop_token(std::move(op), mine.stop.get_token()),
                 [&mine](braid::result<value> ended) {
                   ++mine.finished;
                   if (!ended)
                     mine.state = ended.error() == braid::errc::channel_closed ? refused : stopped;
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

  void begin(const std::vector<channel_step>& choices) { model_.begin(choices), real_.begin(choices); }
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
