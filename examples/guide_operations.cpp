// The samples of docs/guide.md: operations of one's own, and senders of unknown type.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "braid/braid.hpp"

using namespace std::chrono_literals;

namespace {

/// A library that calls back, on a thread of its own.
class thermometer {
 public:
  ~thermometer() {
    if (thread_.joinable()) thread_.join();
  }
  void measure(std::function<void(int error, double degrees)> done) {
    thread_ = std::thread([done = std::move(done)] { done(0, 21.5); });
  }

 private:
  std::thread thread_;
};

// [from_callback]
auto measure(thermometer& with) {
  return braid::from_callback<double>([&with](braid::callback_done<double> done) {
    with.measure([done](int error, double degrees) {  // on any thread
      if (error != 0)
        done(std::error_code(error, std::generic_category()));
      else
        done(degrees);
    });
  });
}
// [/from_callback]

// [remove_file]
/// Removes a name from the file system: unlink(2).
struct remove_outcome {
  using value_type = void;
  static constexpr braid::io_hooks hooks{.prepare = true, .object = true};
  static constexpr const char* name() noexcept { return "remove_file"; }
  int prepare(braid::request& what) noexcept {  // the outcome has its final address now
    what.address = path.data();
    if (path.empty()) return ENOENT;  // an errno here ends the operation with it
    if (path.find('\0') != path.npos) return EINVAL;  // unlink would see the part before the zero alone
    return 0;
  }
  [[nodiscard]] std::string object() const { return path; }  // for the message of an error
  braid::result<void> operator()(int, const braid::request&) const noexcept { return {}; }  // success
  std::string path;
};

[[nodiscard]] auto remove_file(std::string path) {
  const braid::request what{.code = braid::opcode::unlink, .descriptor = braid::request::working_directory};
  return braid::io_sender<remove_outcome>{what, {std::move(path)}};
}
// [/remove_file]

// [readable]
/// Waits until a descriptor of another library can be read: poll(2). Completes with what is ready.
struct readable_outcome {
  using value_type = int;
  static constexpr const char* name() noexcept { return "readable"; }
  braid::result<int> operator()(int events, const braid::request&) const noexcept { return events; }
};

auto readable(int descriptor) {
  const braid::request what{.code = braid::opcode::poll, .descriptor = descriptor, .flags = POLLIN};
  return braid::io_sender<readable_outcome>{what, {}};
}
// [/readable]

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
    arm(receiver_.get_stop_token(), on_stop, on_late_stop);
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

// [storing]
/// Any sender as a task: one type for all senders of T.
template <braid::sender S>
braid::task<braid::value_of<S>> as_task(S op) {
  co_return co_await std::move(op);
}

braid::task<int> storing() {
  std::vector<braid::task<int>> later;  // not begun
  later.push_back(slowly(1));
  later.push_back(as_task(braid::just(2)));
  std::vector<braid::future<int>> running;  // begun already
  running.push_back(braid::spawn(slowly(3)));
  running.push_back(braid::spawn(braid::just(4)));
  int sum = 0;
  for (int value : co_await braid::when_all(std::move(later))) sum += value;
  for (auto& each : running) sum += co_await std::move(each);

  const std::function<braid::task<int>()> five = [] { return slowly(5); };  // can be begun again and again
  sum += co_await five();
  co_return sum + co_await five();
}
// [/storing]

braid::task<> just_a_moment() { co_await braid::sleep_for(1ms); }

void try_in_order(braid::loop& loop) {
  const int value = loop.run(in_order{braid::sleep_for(1ms), slowly(8)});
  bool begun = false;
  auto second = braid::just_from([&] { return begun = true; });
  const auto failed = loop.run(braid::as_result(in_order{remove_file("/no/such/file"), std::move(second)}));
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

braid::task<> poll_a_pipe() {
  int ends[2];
  if (::pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const auto in = braid::file::from_descriptor(ends[0]);
  const auto out = braid::file::from_descriptor(ends[1]);
  auto waiting = braid::spawn(readable(in.number()));
  co_await out.write_all("x");
  const int events = co_await std::move(waiting);
  std::printf("%s\n", (events & POLLIN) != 0 ? "readable" : "not readable");
}

}  // namespace

int main() {
  braid::loop loop;
  thermometer there;
  std::printf("%.1f degrees\n", loop.run(measure(there)));

  const std::string path = "/tmp/guide-" + std::to_string(::getpid());
  loop.run(braid::write_file(path, "to be removed"));
  loop.run(remove_file(path));
  const auto again = loop.run(braid::as_result(remove_file("/no/such/file")));
  std::printf("%s\n", again ? "removed" : again.error().message().c_str());
  loop.run(braid::write_file(path, "to be kept"));
  const auto zero = loop.run(braid::as_result(remove_file(path + std::string(1, '\0') + "more")));
  const bool kept = ::unlink(path.c_str()) == 0;
  std::printf("%s, %s\n", zero ? "removed" : "refused", kept ? "kept" : "lost");
  loop.run(poll_a_pipe());

  braid::loop_clock::duration took{};
  const int value = loop.run(timed<braid::task<int>>{slowly(7), took});
  std::printf("%d, %s\n", value, took >= 20ms ? "20 ms or more" : "too early");
  loop.run(timed<braid::task<>>{just_a_moment(), took});
  std::printf("%s\n", took >= 1ms ? "1 ms or more" : "too early");
  try_in_order(loop);
  try_until_true(loop);
  const auto paused = loop.run(braid::as_result(braid::with_timeout(delay{1h}, 1ms)));
  std::printf("%s\n", paused ? "an hour is over" : paused.error().message().c_str());
  std::printf("the sum is %d\n", loop.run(storing()));
}
