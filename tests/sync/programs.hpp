#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "braid/schedule/interval.hpp"
#include "braid/style/promise.hpp"
#include "braid/sync/barrier.hpp"
#include "braid/sync/broadcast.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/latch.hpp"
#include "braid/sync/mutex.hpp"
#include "braid/sync/select.hpp"
#include "braid/sync/semaphore.hpp"
#include "braid/sync/shared_mutex.hpp"
#include "braid/sync/watch.hpp"
#include "braid/sync/when.hpp"

/// Random programs over everything that a select takes. Several courses may be right, so the tests check
/// rules instead of one expected course.
namespace braid_tests {

using namespace braid;

/// An element that can only be moved; its id is 0 after that.
struct element {
  int id = 0;
  explicit element(int number) noexcept : id(number) {}
  element(element&& other) noexcept : id(std::exchange(other.id, 0)) {}
  element& operator=(element&& other) noexcept {
    id = std::exchange(other.id, 0);
    return *this;
  }
};

/// The things that an operation may wait for.
enum class kind : unsigned char {
  lock,
  write,
  read,
  acquire,
  event,
  bell,
  latch,
  meet,
  send,
  send_from,
  reserve,
  receive,
  news,
  latest,
  pause,
  beat,
  page
};

inline bool is_sending(kind what) { return what == kind::send || what == kind::send_from; }
inline bool is_channel(kind what) {
  return is_sending(what) || what == kind::reserve || what == kind::receive;
}
inline constexpr std::array<std::size_t, 2> expected_at_meeting{2, 3};

/// Two objects of each kind.
struct sync_objects {
  std::array<mutex, 2> doors;
  std::array<shared_mutex, 2> books;
  std::array<semaphore, 2> tickets{semaphore(1), semaphore(2)};
  std::array<event, 2> events;
  std::array<auto_reset_event, 2> bells;
  std::array<latch, 2> latches{latch(1), latch(2)};
  std::array<barrier, 2> meetings{barrier(expected_at_meeting[0]), barrier(expected_at_meeting[1])};
  std::array<channel<element>, 3> channels{channel<element>(0), channel<element>(1), channel<element>(3)};
  broadcast<int> news{2};
  std::array<broadcast<int>::subscription, 2> subscriptions{news.subscribe(), news.subscribe()};
  watch<int> latest{1};
  std::array<watch<int>::reader, 2> readers{latest.read(), latest.read()};
  std::vector<interval> beats{interval(std::chrono::seconds(10)), interval(std::chrono::seconds(15))};
  std::array<promise<int>, 2> asked;
  std::vector<future<int>> pages;
  sync_objects() {
    for (promise<int>& each : asked) pages.push_back(each.get_future());
  }
};

/// One claim of an operation: what it asks of which object.
struct wish {
  kind what;
  std::size_t which;
  int sends = 0;
  std::unique_ptr<element> kept = {};  // for send_from
  bool disabled = false;  // then `what` is pause: nothing is asked of anything
};

/// One operation of a program.
struct program_step {
  static constexpr int unknown = -1;
  std::vector<wish> wishes;
  stop_source stop = {};
  int number = 0;
  int at_once = unknown;  // the index of the choice that must win, if it is known
  bool ended = false;
  std::size_t index = 0;  // the index of the choice that won
};

/// A running program. It checks rules whenever an operation ends, and more of them when the loop has nothing
/// ready.
class sync_program {
 public:
  using held = std::variant<mutex::scoped_lock, shared_mutex::scoped_lock, shared_mutex::shared_lock,
                            semaphore::permit, std::pair<std::size_t, channel<element>::permit>>;

  explicit sync_program(std::mt19937& random) : random_(random), home_(std::make_unique<loop>()) {}

  /// Does one random thing.
  void step();
  /// Runs the loop until nothing is ready, then checks all rules.
  void check_at_rest();
  /// Ends the program in one of several ways.
  void end();
  /// The first rule that was broken, or nothing.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

 private:
  std::size_t up_to(std::size_t most) { return static_cast<std::size_t>(random_() % (most + 1)); }
  void broken(const program_step& by, const char* rule);
  void expect(bool holds, const char* rule) {
    if (!holds && fault_.empty()) fault_ = rule;
  }
  void begin();
  program_step& add_step(const std::vector<kind>& of);
  void note_begin(program_step& step);
  template <class Op, class Chosen>
  void start_step(program_step& step, Op op, Chosen chosen);
  template <kind K>
  void begin_range_of();
  void do_something_else();
  void let_go(std::size_t which);
  void check_conservation();
  void check_no_waiter_stranded();
  void check_order();

  enum class answer { no, yes, unknown };
  [[nodiscard]] answer can_now(const wish& of);
  [[nodiscard]] bool could_end(const program_step& step, const wish& of);
  // How many operations other than `but` wait with such a wish.
  [[nodiscard]] std::size_t waiting(kind what, std::size_t which, const program_step* but = nullptr) const;
  [[nodiscard]] std::size_t held_of(std::size_t which_variant, const void* object) const;
  [[nodiscard]] std::size_t permits(std::size_t channel) const;

  template <kind K>
  decltype(auto) sender(wish& of);
  template <kind K, class V>
  void ended_with(program_step& step, wish& of, V value);
  template <kind... K>
  void begin_as();
  template <kind... K, std::size_t... I>
  void start_select(program_step& step, std::index_sequence<I...>);
  void ended_with_error(program_step& step, const error& why);
  void note_end(program_step& step, std::size_t index);
  void received(std::size_t channel, const std::optional<element>& got);
  void accepted(std::size_t channel, int id);

  struct sent_element {
    int id;
    int begun;  // the step at which its send began
    int accepted;  // a step by which it was in the channel; negative before
    bool received = false;
  };

  std::mt19937& random_;
  sync_objects objects_;
  std::vector<std::pair<const void*, held>> held_;
  std::array<std::vector<sent_element>, 3> sent_;
  std::array<bool, 3> closed_{}, closed_now_{};
  std::array<std::size_t, 2> met_{}, rung_{}, bell_sets_{};
  std::array<int, 2> event_set_{};
  std::array<std::size_t, 2> latch_left_{1, 2};
  std::size_t news_sent_ = 0;
  std::array<std::size_t, 2> news_next_{1, 1}, news_skipped_{};
  bool news_closed_ = false, latest_closed_ = false;
  std::array<int, 2> settled_{};  // the value of each page, or 0
  int latest_version_ = 1;
  std::array<int, 2> latest_seen_{};
  std::vector<std::unique_ptr<program_step>> steps_;
  std::vector<program_step*> waiting_;  // in the order in which they were begun
  std::vector<program_step*> just_ended_;
  std::array<std::vector<int>, 3> just_received_;
  int now_ = 0;
  int next_id_ = 0;
  bool at_rest_ = true;
  bool rendezvous_permits_ = false;  // since the loop last had nothing ready
  bool ending_ = false;
  std::string fault_;
  std::unique_ptr<loop> home_;
};

}  // namespace braid_tests
