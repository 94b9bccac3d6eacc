#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "contract.hpp"
#include "stage/in_style.hpp"

namespace lost_update {

namespace blocking { int withdraw_naively(account& from, const bank& at, int cents); }
namespace callbacks {
void withdraw_naively(account& from, const bank& at, int cents, handler<int> done);
void withdraw(account& from, const bank& at, int cents, handler<int> done);
void withdraw_in_turn(account& from, const bank& at, int cents, handler<int> done);
void withdraw_by_owner(account& from, const bank& at, int cents, handler<int> done);
void own(account& from, const bank& at, handler<void> done);
}  // namespace callbacks
namespace futures {
future<int> withdraw_naively(account& from, const bank& at, int cents);
future<int> withdraw(account& from, const bank& at, int cents);
future<int> withdraw_in_turn(account& from, const bank& at, int cents);
future<int> withdraw_by_owner(account& from, const bank& at, int cents);
future<void> own(account& from, const bank& at);
}  // namespace futures
namespace coroutines {
task<int> withdraw_naively(account& from, const bank& at, int cents);
task<int> withdraw(account& from, const bank& at, int cents);
task<int> withdraw_in_turn(account& from, const bank& at, int cents);
task<int> withdraw_by_owner(account& from, const bank& at, int cents);
task<> own(account& from, const bank& at);
}  // namespace coroutines
namespace fibers {
int withdraw_naively(account& from, const bank& at, int cents);
int withdraw(account& from, const bank& at, int cents);
int withdraw_in_turn(account& from, const bank& at, int cents);
int withdraw_by_owner(account& from, const bank& at, int cents);
void own(account& from, const bank& at);
}  // namespace fibers

/// The way in which withdrawals are kept apart.
enum class way { naive, no_wait_between, in_turn, by_owner };
inline constexpr std::array every_way{way::naive, way::no_wait_between, way::in_turn, way::by_owner};

[[nodiscard]] constexpr std::string_view name_of(way which) {
  constexpr std::array<std::string_view, 4> names{"naive", "no wait between", "mutex", "owner"};
  return names[static_cast<std::size_t>(which)];
}

/// A thread makes one blocking call after the other, so the naive version is right there.
[[nodiscard]] constexpr auto versions_of(way by) {
  using versions = stage::versions<int(account&, const bank&, int)>;
  constexpr std::array<versions, 4> all{
      versions{blocking::withdraw_naively, callbacks::withdraw_naively, futures::withdraw_naively,
               coroutines::withdraw_naively, fibers::withdraw_naively},
      versions{nullptr, callbacks::withdraw, futures::withdraw, coroutines::withdraw, fibers::withdraw},
      versions{nullptr, callbacks::withdraw_in_turn, futures::withdraw_in_turn, coroutines::withdraw_in_turn,
               fibers::withdraw_in_turn},
      versions{nullptr, callbacks::withdraw_by_owner, futures::withdraw_by_owner,
               coroutines::withdraw_by_owner, fibers::withdraw_by_owner}};
  return all[static_cast<std::size_t>(by)];
}

/// One withdrawal, on this thread's loop.
inline task<int> withdraw(stage::style how, way by, account& from, const bank& at, int cents) {
  return stage::task_in_style(how, versions_of(by), from, at, cents);
}
/// The owner, who serves until the account's channel is closed and empty.
inline task<> own(stage::style how, account& from, const bank& at) {
  constexpr stage::versions<void(account&, const bank&)> all{nullptr, callbacks::own, futures::own,
                                                             coroutines::own, fibers::own};
  return stage::task_in_style(how, all, from, at);
}

/// Runs all withdrawals at once, in one style, on this thread's loop: what each left, or how it failed.
inline std::vector<result<int>> withdraw_at_once(stage::style how, way by, account& from, const bank& at,
                                                 const std::vector<int>& amounts) {
  std::optional<future<void>> owner;
  if (by == way::by_owner) owner = spawn(own(how, from, at));
  std::vector<future<int>> all;
  for (int cents : amounts) all.push_back(spawn(withdraw(how, by, from, at, cents)));
  auto left = run(when_all_settled(std::move(all)));
  from.slips.close();
  if (owner) run(*std::move(owner));
  return left;
}

}  // namespace lost_update
