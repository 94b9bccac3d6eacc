#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "braid/base/error.hpp"
#include "braid/combine/retry_policy.hpp"
#include "braid/loop/clock.hpp"

namespace braid {

/// When a supervisor begins a child again that has ended by itself: always; if it has failed; never. A
/// cancellation that the supervisor did not ask for is no failure.
///
///     const child_options once{.name = "import", .restart = restart_policy::transient};
enum class restart_policy : std::uint8_t { permanent, transient, temporary };

/// Which children a supervisor restarts together: the one that ended; all of them; that one and those that
/// were spawned after it.
///
///     const supervisor_options together{.strategy = restart_strategy::one_for_all};
enum class restart_strategy : std::uint8_t { one_for_one, one_for_all, rest_for_one };

/// A child of a supervisor.
///
///     const child_options reader{.name = "reader", .stop_within = 1s};
struct child_options {
  std::string_view name = "child";  ///< in errors and reports
  restart_policy restart = restart_policy::permanent;
  loop_clock::duration stop_within =
      std::chrono::seconds(5);  ///< how long it may take to obey a stop request
};
static_assert(std::is_trivially_copyable_v<child_options>);

/// How a supervisor restarts children. The pause after the nth failure of a child in a row is that of a
/// retry_policy; a child that has run for longer than `cap` begins again with the first.
///
///     const supervisor_options patient{.restarts = 10, .within = 1min, .base = 1s};
struct supervisor_options {
  restart_strategy strategy = restart_strategy::one_for_one;
  std::size_t restarts = 3;  ///< one more of them within that time fails the supervisor
  loop_clock::duration within = std::chrono::seconds(5);  ///< zero: no limit
  loop_clock::duration base = std::chrono::milliseconds(100);
  loop_clock::duration cap = std::chrono::seconds(10);
  retry_jitter jitter = retry_jitter::full;
  std::optional<std::uint64_t> seed{};  ///< makes the pauses the same in every run
};
static_assert(std::is_trivially_copyable_v<supervisor_options>);

/// An event that the observer of a supervisor gets.
///
///     const auto observe = [](const child_report& it) {
///       if (it.failure != nullptr) log(std::string(it.name) + ": " + it.failure->message());
///     };
///     co_await with_supervisor({}, [](supervisor& all) { all.spawn(serve_all); }, observe);
struct child_report {
  std::string_view name;
  const error* failure;  ///< null after a value; std::errc::timed_out if it has not stopped in time, and runs
  std::optional<loop_clock::duration> pause;  ///< until its restart; none if it is not restarted
};

/// Names a child of a supervisor, as long as that exists.
///
///     const auto body = [](supervisor& all) -> task<> {
///       const child_id server = all.spawn(serve_all);
///       co_await sleep_for(1h);
///       co_await all.remove(server);
///     };
///     co_await with_supervisor({}, body);
enum class child_id : std::uint64_t {};

}  // namespace braid
