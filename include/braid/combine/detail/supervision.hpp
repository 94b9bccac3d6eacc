#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "braid/base/unique_function.hpp"
#include "braid/combine/detail/scope_join.hpp"
#include "braid/combine/detail/supervised.hpp"
#include "braid/combine/supervisor_options.hpp"
#include "braid/loop/cancellation.hpp"

namespace braid::detail {

struct ignore_child_report {
  void operator()(const child_report&) const noexcept {}
};

/// Decides when the children of a supervisor begin, stop, and begin again.
///
/// Each event (a child's end, a timer, a stop request, a spawn) ends in advance(), which takes every step
/// that is possible now. It never runs inside itself: an event that happens within a step is noted for the
/// next. The join is held while anything is left to happen.
///
/// Threads  the home loop's.
class supervision : timer_base, cancellation {
 public:
  using observer = unique_function<void(const child_report&)>;
  explicit supervision(scope_join& join) noexcept : timer_base(on_pause_end), join_(join) {}
  void configure(const supervisor_options& how, observer observe);
  /// Destroys the children, the youngest first: the loop has ended.
  void abandon() noexcept;

  [[nodiscard]] scope_join& join() const noexcept { return join_; }
  std::uint64_t add(std::unique_ptr<supervised> made);
  /// Throws std::invalid_argument if there is no such child.
  void remove(std::uint64_t number, promise<void> waiting);

 private:
  friend class supervised;
  using phase = supervised::phase;
  enum class group : std::uint8_t { runs, stops, pauses, starts };  // what a restart of several does now

  static void on_stop(cancellation& base) noexcept;
  static void on_late_stop(cancellation& base) noexcept;
  static void on_pause_end(operation_base& base, completion with);

  void advance() noexcept;
  void step() noexcept;
  void stop_next() noexcept;
  void restart_next() noexcept;
  void child_ended(supervised& one) noexcept;
  void ended_when_asked(supervised& one) noexcept;
  void ended_by_itself(supervised& one) noexcept;
  void restart(supervised& one, const error* why) noexcept;
  void child_timer_ended(supervised& one, bool in_time) noexcept;

  void begin(supervised& one) noexcept;
  void request_stop(supervised& one) noexcept;
  void drop(supervised& one) noexcept;
  void destroy(supervised& one) noexcept;
  void settle_removals(supervised& one, const error* why) noexcept;
  void set_timer(supervised& one, loop_clock::duration wait) noexcept;
  void report(const supervised& one, const error* failure,
              std::optional<loop_clock::duration> pause = {}) noexcept;
  void cut_short() noexcept;
  void come_alive() noexcept;
  void no_more() noexcept;
  [[nodiscard]] bool in_group(const supervised& one) const noexcept { return one.number_ >= group_from_; }
  [[nodiscard]] bool closing() const noexcept { return closing_ || join_.home()->ending(); }
  [[nodiscard]] bool count_restart(loop_clock::time_point now) noexcept;

  scope_join& join_;
  supervisor_options how_;
  observer observe_;
  std::uint64_t random_ = 0;
  std::vector<loop_clock::time_point> restarts_;  // the latest, in a ring
  std::size_t restarts_counted_ = 0;
  intrusive_list<supervised> children_;  // in the order of spawn
  supervised::queue ended_;  // not dealt with yet
  std::uint64_t last_number_ = 0;
  std::size_t alive_ = 0;  // children that run, or will
  group group_ = group::runs;
  std::uint64_t group_from_ = 0;  // the number of the oldest child that is restarted
  loop_clock::time_point pause_until_{};
  bool closing_ = false;
  bool advancing_ = false;
  bool again_ = false;
};

template <class F>
loop* supervised_child<F>::home() const noexcept {
  return by_.join().home();
}

}  // namespace braid::detail
