// The samples of docs/guide.md: senders written by hand.
#include <chrono>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <utility>

#include "braid/braid.hpp"

using namespace std::chrono_literals;

namespace {

// [timed]
/// The operation in flight: an operation and the time at which it began. It never moves.
template <braid::sender S, class R>
class timed_state : braid::pinned {
  using value = braid::value_of<S>;
  struct inner_receiver {  // waits for the inner operation
    timed_state* self;
    void finish(braid::result<value> ended) && noexcept { self->on_finish(std::move(ended)); }
    braid::stop_token get_stop_token() const noexcept { return self->receiver_.get_stop_token(); }
    braid::async_frame* frame() const noexcept { return self->receiver_.frame(); }
  };

 public:
  timed_state(S op, braid::loop_clock::duration& took, R receiver)
      : receiver_(std::move(receiver)),
        took_(took),
        inner_(braid::connect(std::move(op), inner_receiver{this})) {}
  void start() noexcept {
    began_ = braid::loop_clock::now();
    inner_.start();
  }

 private:
  void on_finish(braid::result<value> ended) noexcept {
    took_ = braid::loop_clock::now() - began_;
    R receiver = std::move(receiver_);  // first: finish may destroy *this
    std::move(receiver).finish(std::move(ended));
  }
  R receiver_;
  braid::loop_clock::duration& took_;
  braid::loop_clock::time_point began_;
  braid::connected<S, inner_receiver> inner_;
};

/// op, which also writes into `took` how long it took.
template <braid::sender S>
struct [[nodiscard]] timed {
  using sender_concept = braid::sender_tag;
  using value_type = braid::value_of<S>;
  template <braid::receiver_of<value_type> R>
  auto connect(R receiver) && {
    return timed_state<S, R>(std::move(op), took, std::move(receiver));
  }
  S op;
  braid::loop_clock::duration& took;
};
// [/timed]

// [in_order]
/// The operation in flight: first one operation, and then the other.
template <braid::sender First, braid::sender Second, class R>
class in_order_state : braid::pinned {
  struct inner_receiver {
    in_order_state* self;
    braid::stop_token get_stop_token() const noexcept { return self->receiver_.get_stop_token(); }
    braid::async_frame* frame() const noexcept { return self->receiver_.frame(); }
  };
  struct first_receiver : inner_receiver {
    void finish(braid::result<braid::value_of<First>> ended) && noexcept {
      this->self->on_first(std::move(ended));
    }
  };
  struct second_receiver : inner_receiver {
    void finish(braid::result<braid::value_of<Second>> ended) && noexcept {
      this->self->finish(std::move(ended));
    }
  };

 public:
  in_order_state(First first, Second second, R receiver)
      : receiver_(std::move(receiver)),
        first_(braid::connect(std::move(first), first_receiver{{this}})),
        second_(braid::connect(std::move(second), second_receiver{{this}})) {}
  void start() noexcept { first_.start(); }

 private:
  void on_first(braid::result<braid::value_of<First>> ended) noexcept {
    if (!ended) return finish(std::move(ended).error());
    second_.start();
  }
  void finish(braid::result<braid::value_of<Second>> ended) noexcept {
    R receiver = std::move(receiver_);
    std::move(receiver).finish(std::move(ended));
  }
  R receiver_;
  braid::connected<First, first_receiver> first_;
  braid::connected<Second, second_receiver> second_;
};
// [/in_order]

/// A sender that runs `first`, whose value it drops, and then `second`, whose value it gives.
template <braid::sender First, braid::sender Second>
struct [[nodiscard]] in_order {
  using sender_concept = braid::sender_tag;
  using value_type = braid::value_of<Second>;
  template <braid::receiver_of<value_type> R>
  auto connect(R receiver) && {
    return in_order_state<First, Second, R>(std::move(first), std::move(second), std::move(receiver));
  }
  First first;
  Second second;
};

// [until_true]
/// Builds an immovable object in a std::optional: emplace(in_place_from{[&] { return make(); }}).
template <class F>
struct in_place_from {
  F make;
  operator std::invoke_result_t<F&>() { return make(); }
};

/// The operation in flight: one operation of make() after the other, until one gives true.
template <class F, class R>
class until_true_state : braid::pinned {
  struct inner_receiver {
    until_true_state* self;
    void finish(braid::result<bool> ended) && noexcept { self->on_finish(std::move(ended)); }
    braid::stop_token get_stop_token() const noexcept { return self->receiver_.get_stop_token(); }
    braid::async_frame* frame() const noexcept { return self->receiver_.frame(); }
  };
  using inner = braid::connected<std::invoke_result_t<F&>, inner_receiver>;

 public:
  until_true_state(F make, R receiver) : make_(std::move(make)), receiver_(std::move(receiver)) {}
  void start() noexcept {
    starting_ = true;
    do begin_next();  // a loop and no recursion: any number of operations may end within begin_next
    while (ended_ && is_false(*ended_));
    starting_ = false;
    if (ended_) finish();
  }

 private:
  void begin_next() noexcept {
    ended_.reset();
    if (receiver_.get_stop_token().stop_requested()) {  // what ends at once does not notice it
      ended_ = braid::error(std::make_error_code(std::errc::operation_canceled), "until_true");
      return;
    }
    try {
      inner_.emplace(in_place_from{[this] { return braid::connect(make_(), inner_receiver{this}); }});
    } catch (...) {
      ended_ = braid::error::current();
      return;
    }
    inner_->start();  // may call on_finish
  }
  void on_finish(braid::result<bool> ended) noexcept {
    ended_ = std::move(ended);
    if (starting_) return;                  // start() goes on
    if (is_false(*ended_)) return start();  // destroys the inner operation within its own finish
    finish();
  }
  void finish() noexcept {
    R receiver = std::move(receiver_);
    braid::result<bool> ended = *std::move(ended_);
    std::move(receiver).finish(std::move(ended));
  }
  static bool is_false(const braid::result<bool>& ended) { return ended && !*ended; }

  F make_;
  R receiver_;
  bool starting_ = false;
  std::optional<braid::result<bool>> ended_;
  std::optional<inner> inner_;
};
// [/until_true]

/// A sender that runs the operations of make() one after the other, until one gives true or fails.
template <class F>
struct [[nodiscard]] until_true {
  using sender_concept = braid::sender_tag;
  using value_type = bool;
  template <braid::receiver_of<bool> R>
  auto connect(R receiver) && {
    return until_true_state<F, R>(std::move(make), std::move(receiver));
  }
  F make;
};

// [delay]
/// The operation in flight: a timer of the loop, which a stop request may end early.
template <class R>
class delay_state : braid::timer_base, braid::cancellation {
 public:
  delay_state(braid::loop_clock::duration length, R receiver)
      : timer_base(on_end), length_(length), receiver_(std::move(receiver)) {}
  void start() noexcept {
    home_ = braid::loop::current_or_null();
    if (home_ == nullptr) return std::move(receiver_).finish(braid::no_loop_error("delay"));
    const auto frame = [this]() noexcept { return receiver_.frame(); };  // for dump_tasks
    home_->operations().add(*this, braid::loop_clock::after(length_), frame);
    arm<on_stop, on_late_stop>(receiver_.get_stop_token());
  }

 private:
  // The loop calls it once: when the time is over, or after cancel.
  static void on_end(braid::operation_base& base, braid::completion with) noexcept {
    auto& self = static_cast<delay_state&>(static_cast<timer_base&>(base));
    self.errno_ = -with.result;
    if (self.disarm()) self.finish();  // else a stop request is on its way here: on_late_stop finishes
  }
  static void on_stop(braid::cancellation& base) noexcept {
    auto& self = static_cast<delay_state&>(base);
    self.home_->operations().cancel(self);
  }
  static void on_late_stop(braid::cancellation& base) noexcept { static_cast<delay_state&>(base).finish(); }
  void finish() noexcept {
    const int code = errno_;
    R receiver = std::move(receiver_);  // first: finish may destroy *this
    if (code != 0)
      return std::move(receiver).finish(
          braid::error(std::error_code(code, std::generic_category()), "delay"));
    std::move(receiver).finish(braid::result<void>());
  }

  braid::loop_clock::duration length_;
  braid::loop* home_ = nullptr;
  int errno_ = 0;
  R receiver_;
};

/// A sender that completes after some time.
struct [[nodiscard]] delay {
  using sender_concept = braid::sender_tag;
  using value_type = void;
  static constexpr bool completes_later = true;  // never within start()
  template <braid::receiver_of<void> R>
  auto connect(R receiver) && {
    return delay_state<R>(length, std::move(receiver));
  }
  braid::loop_clock::duration length;
};
// [/delay]
static_assert(braid::completes_later<delay>);

braid::task<int> slowly(int value) {
  co_await braid::sleep_for(20ms);
  co_return value;
}

braid::task<> just_a_moment() { co_await braid::sleep_for(1ms); }

void try_in_order(braid::loop& loop) {
  const int value = loop.run(in_order{braid::sleep_for(1ms), slowly(8)});
  bool begun = false;
  auto second = braid::just_from([&] { return begun = true; });
  const auto failed =
      loop.run(braid::as_result(in_order{braid::read_file("/no/such/file"), std::move(second)}));
  std::printf("%d; %s%s\n", value, failed ? "done" : failed.error().message().c_str(),
              begun ? ", begun" : "");
}

void try_until_true(braid::loop& loop) {
  int tries = 0;
  auto at_once = [&] { return braid::just(++tries == 100'000); };
  const bool first = loop.run(until_true<decltype(at_once)>{at_once});
  auto later = [&]() -> braid::task<bool> {
    co_await braid::yield();
    co_return --tries == 0;
  };
  const bool second = loop.run(until_true<decltype(later)>{later});
  auto fails = []() -> braid::task<bool> { throw std::runtime_error("no more tries"); };
  const auto third = loop.run(braid::as_result(until_true<decltype(fails)>{fails}));
  std::printf("%s, %s, %s\n", first ? "true" : "false", second ? "true" : "false",
              third ? "a value" : third.error().message().c_str());
  braid::stop_source enough;
  auto never = [&] {
    if (++tries == 10) enough.request_stop();
    return braid::just(false);
  };
  auto stopped = braid::with_stop_token(until_true<decltype(never)>{never}, enough.get_token());
  const auto fourth = loop.run(braid::as_result(std::move(stopped)));
  std::printf("%s after %d tries\n", fourth ? "a value" : fourth.error().message().c_str(), tries);
}

}  // namespace

int main() {
  braid::loop loop;
  braid::loop_clock::duration took{};
  const int value = loop.run(timed<braid::task<int>>{slowly(7), took});
  std::printf("%d, %s\n", value, took >= 20ms ? "20 ms or more" : "too early");
  loop.run(timed<braid::task<>>{just_a_moment(), took});
  std::printf("%s\n", took >= 1ms ? "1 ms or more" : "too early");
  try_in_order(loop);
  try_until_true(loop);
  const auto paused = loop.run(braid::as_result(braid::with_timeout(delay{1h}, 1ms)));
  std::printf("%s\n", paused ? "an hour is over" : paused.error().message().c_str());
}
