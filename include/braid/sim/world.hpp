#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "braid/base/unique_function.hpp"
#include "braid/loop/current_loop_scope.hpp"
#include "braid/loop/detail/running_scope.hpp"
#include "braid/loop/loop.hpp"
#include "braid/sim/choices.hpp"
#include "braid/sim/faults.hpp"
#include "braid/sim/host.hpp"
#include "braid/style/start.hpp"

namespace braid::sim {

/// The latency, bandwidth and buffers of the network.
///
///     const sim::network_options far{.least_latency = 1ms, .most_latency = 50ms};
///     sim::world here({.seed = 7, .network = far});
struct network_options {
  loop_clock::duration least_latency{};  ///< of a segment or datagram, one way, drawn between least and most
  loop_clock::duration most_latency{};
  std::uint64_t bytes_per_second = 0;  ///< of each direction of a connection, of each UDP socket; 0: no limit
  /// The size of a socket's send buffer and of its receive buffer. A datagram is lost if its buffer is full;
  /// a small datagram counts for 256 bytes in the receive buffer.
  std::size_t buffer_bytes = 64 << 10;
};

/// The seed of a world, its network, and what it records.
///
///     sim::world here(sim::world_options{.seed = 7, .keeps_trace = true});
struct world_options {
  std::uint64_t seed = 0;
  network_options network{};
  std::uint64_t most_steps = 10'000'000;  ///< after so many steps a run fails as one that never ends
  bool keeps_trace = false;  ///< as text, for reading; the hash is always kept
  bool track_tasks = false;  ///< so that dump_tasks can show what a stuck run waits for
};

/// Thrown when nothing can happen any more although run still waits, or after most_steps steps.
///
///     event never;
///     sim::world here(7);
///     try {
///       here.run(never.wait());
///     } catch (const sim::stuck& why) {
///       log(why.what());
///     }
class stuck : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {
class agenda;
class network;
class timeline;
}  // namespace detail

/// A simulated world without a kernel: hosts with a loop, a clock and a disk each, a network between them,
/// and virtual time, which passes only when no host has anything to do. Programs are the same senders as on
/// the real reactors. The seed decides everything that is undetermined there: which ready operation runs
/// first, which completion comes first, how long a request takes, which fault happens. The same seed gives
/// the same run with every compiler.
///
///     sim::world here(7);
///     sim::host& server = here.add_host("server", {.program = [](sim::host&) { return serve_all(); }});
///     sim::host& client = here.add_host("client");
///     here.after(1s, [&] { here.crash(server); });
///     here.run_on(client, fetch("page"));
///
/// Lifetime  owns its hosts. Its destructor cancels what still runs, host by host.
/// Threads   one: all hosts take turns on it. No loop may be running on it. Hosts are different loops on one
///           thread, so an object that they share beside the network (a promise, a stop request, a post, an
///           object of sync/) wakes the other host at once. Hosts on real machines share none of that.
/// Errors    an error that no host handles ends the run: the call that drives the world throws it.
/// Cost      a step (one turn of one host) takes less than a microsecond, whatever its virtual time and
///           however many idle hosts there are.
class world : pinned {
 public:
  explicit world(std::uint64_t seed) : world(world_options{.seed = seed}) {}
  explicit world(const world_options& options);
  /// Takes its decisions from `from`; for exhaust.
  world(const world_options& options, choices& from);
  ~world();

  /// Adds a host and starts it. The addresses are 10.0.0.1 and so on, in order; the name can be resolved.
  /// Lifetime  the world's.
  /// Errors    std::invalid_argument for a name that exists already.
  host& add_host(std::string name, host_options options = {});

  /// Runs the world until op has ended on that host: returns its value, or throws its error.
  /// Errors  stuck, if op can never end or most_steps are used up; an error that another host does not
  ///         handle.
  template <sender_or_factory S>
  value_of<sender_of<S>> run_on(host& at, S&& op,
                                std::source_location where = std::source_location::current());
  /// run on the first host; if there is none, makes the host "local".
  template <sender_or_factory S>
  value_of<sender_of<S>> run(S&& op, std::source_location where = std::source_location::current()) {
    return run_on(first_host(), std::forward<S>(op), where);
  }
  /// Runs the world until nothing can happen any more.
  void run_until_idle();
  /// Runs the world for this time.
  void run_for(loop_clock::duration time);

  /// Calls f() at now() + later, between two steps of the hosts: for scripted crashes and partitions.
  void after(loop_clock::duration later, unique_function<void()> f);

  /// Cuts the host's power: its program ends without notice. Its connections are reset when their other ends
  /// next send. Each write to its disk that was not synced is kept, torn or lost, as drawn. Destructors do
  /// run, because the memory must be freed, but what they ask of the host has no effect.
  void crash(host& which);
  /// Starts the host's program again, on what its disk has kept.
  void restart(host& which);
  /// Cuts the connection between the two hosts in both directions until join(). TCP data that is sent
  /// meanwhile arrives after that; a TCP peer that gets no answer for 15 minutes fails with timed_out.
  /// Datagrams that would arrive meanwhile are lost.
  void partition(const host& one, const host& other);
  /// Ends a partition.
  void join(const host& one, const host& other);
  [[nodiscard]] bool are_apart(const host& one, const host& other) const noexcept;

  [[nodiscard]] fault_schedule& faults() noexcept { return faults_; }
  [[nodiscard]] choices& draws() noexcept { return *choices_; }
  /// The virtual time, from 0 on. A host's own clock may differ.
  [[nodiscard]] loop_clock::time_point now() const noexcept;
  [[nodiscard]] std::uint64_t steps() const noexcept;
  [[nodiscard]] const world_options& options() const noexcept { return options_; }

  /// A hash of every request and completion, with its time and host: equal for equal runs.
  [[nodiscard]] std::uint64_t trace_hash() const noexcept;
  /// One line for each of them, if world_options::keeps_trace is set.
  [[nodiscard]] const std::vector<std::string>& trace() const noexcept;

  /// The host with this name or address, or null.
  [[nodiscard]] host* find(std::string_view name_or_address) noexcept;

 private:
  friend class host;
  friend class virtual_time;

  host& first_host();
  host& adopt(std::unique_ptr<host> one);
  // Marks the world as driven by a call on the stack.
  class driving : pinned {
   public:
    explicit driving(world& which);
    ~driving();

   private:
    world& which_;
    const bool outer_;
  };
  template <class Done>
  void drive(Done done) {
    while (!done()) {
      rethrow_failure();
      if (!step()) throw_stuck();
    }
    rethrow_failure();
  }
  bool step();  // false when nothing can happen
  [[nodiscard]] bool nothing_to_do() const noexcept;  // at this instant
  void look_at_all_hosts();
  void turn(detail::computer& which);
  void fail(const host& where, const error& why) noexcept;
  void rethrow_failure();
  [[noreturn]] void throw_stuck();

  const world_options options_;
  choices own_choices_;
  choices* const choices_;
  fault_schedule faults_;
  const std::unique_ptr<detail::agenda> agenda_;
  const std::unique_ptr<detail::timeline> timeline_;
  std::unique_ptr<detail::network> network_;
  std::vector<std::unique_ptr<host>> hosts_;
  std::unordered_map<std::string_view, host*> known_;  // by name and by address; the first counts
  std::vector<std::pair<const host*, const host*>> apart_;
  std::exception_ptr failure_;
};

template <sender_or_factory S>
value_of<sender_of<S>> world::run_on(host& at, S&& op, std::source_location where) {
  using ended = result<value_of<sender_of<S>>>;
  const auto outcome = std::make_shared<std::optional<ended>>();  // may outlive this call, which may throw
  const driving here(*this);
  {
    const current_loop_scope there(&at.its_loop());
    const braid::detail::running_scope running(at.its_loop(), "sim::world::run");
    start(as_sender(std::forward<S>(op)), [outcome](ended how) { outcome->emplace(std::move(how)); }, where);
    at.awaken();
  }
  drive([&] { return outcome->has_value(); });
  return std::move(**outcome).value();
}

}  // namespace braid::sim
