#pragma once

#include <array>
#include <functional>
#include <string_view>
#include <vector>

#include "contract.hpp"
#include "stage/style.hpp"

namespace lost_update {

namespace blocking {
int withdraw_naively(account& from, const bank& at, int cents);
}
namespace callbacks {
void withdraw_naively(account& from, const bank& at, int cents, handler<int> done);
void withdraw(account& from, const bank& at, int cents, handler<int> done);
void withdraw_in_turn(account& from, const bank& at, int cents, handler<int> done);
void withdraw_by_owner(account& from, const bank& at, int cents, handler<int> done);
void own(account& mine, const bank& at, handler<void> done);
}  // namespace callbacks
namespace futures {
future<int> withdraw_naively(account& from, const bank& at, int cents);
future<int> withdraw(account& from, const bank& at, int cents);
future<int> withdraw_in_turn(account& from, const bank& at, int cents);
future<int> withdraw_by_owner(account& from, const bank& at, int cents);
future<void> own(account& mine, const bank& at);
}  // namespace futures
namespace coroutines {
task<int> withdraw_naively(account& from, const bank& at, int cents);
task<int> withdraw(account& from, const bank& at, int cents);
task<int> withdraw_in_turn(account& from, const bank& at, int cents);
task<int> withdraw_by_owner(account& from, const bank& at, int cents);
task<> own(account& mine, const bank& at);
}  // namespace coroutines
namespace fibers {
int withdraw_naively(account& from, const bank& at, int cents);
int withdraw(account& from, const bank& at, int cents);
int withdraw_in_turn(account& from, const bank& at, int cents);
int withdraw_by_owner(account& from, const bank& at, int cents);
void own(account& mine, const bank& at);
}  // namespace fibers

/// The way in which withdrawals are kept apart.
enum class way { naive, no_wait_between, in_turn, by_owner };
inline constexpr std::array every_way{way::naive, way::no_wait_between, way::in_turn, way::by_owner};

[[nodiscard]] constexpr std::string_view name_of(way which) {
  constexpr std::array<std::string_view, 4> names{"naive", "no wait between", "mutex", "owner"};
  return names[static_cast<std::size_t>(which)];
}

namespace detail {

template <class F>
[[nodiscard]] constexpr F* pick(way by, F& naive, F& no_wait, F& in_turn, F& by_owner) {
  return std::array<F*, 4>{&naive, &no_wait, &in_turn, &by_owner}[static_cast<std::size_t>(by)];
}

inline future<int> begin(stage::style how, way by, account& from, const bank& at, int cents) {
  switch (how) {
    case stage::style::blocking: break;
    case stage::style::callback:
      return stage::called_back<int>([&](handler<int> done) {
        using namespace callbacks;
        pick(by, withdraw_naively, withdraw, withdraw_in_turn, withdraw_by_owner)(from, at, cents,
                                                                                  std::move(done));
      });
    case stage::style::future: {
      using namespace futures;
      return pick(by, withdraw_naively, withdraw, withdraw_in_turn, withdraw_by_owner)(from, at, cents);
    }
    case stage::style::coroutine: {
      using namespace coroutines;
      return spawn(
          pick(by, withdraw_naively, withdraw, withdraw_in_turn, withdraw_by_owner)(from, at, cents));
    }
    case stage::style::fiber:
      return spawn(in_fiber([by, cents, &from, &at] {
        using namespace fibers;
        return pick(by, withdraw_naively, withdraw, withdraw_in_turn, withdraw_by_owner)(from, at, cents);
      }));
  }
  throw std::logic_error("a blocking call does not return before it has ended");
}

inline future<void> begin_to_own(stage::style how, account& mine, const bank& at) {
  switch (how) {
    case stage::style::blocking: break;
    case stage::style::callback:
      return stage::called_back<void>(
          [&](handler<void> done) { callbacks::own(mine, at, std::move(done)); });
    case stage::style::future: return futures::own(mine, at);
    case stage::style::coroutine: return spawn(coroutines::own(mine, at));
    case stage::style::fiber: return spawn(in_fiber([&mine, &at] { fibers::own(mine, at); }));
  }
  throw std::logic_error("a blocking call owns nothing beside others");
}

}  // namespace detail

/// A thread makes one blocking call after the other, so the naive version is right there.
[[nodiscard]] constexpr bool has(stage::style how, way by) {
  return how != stage::style::blocking || by == way::naive;
}

/// Runs all withdrawals at once, in one style, on this thread's loop: what each left, or how it failed.
inline std::vector<result<int>> withdraw_at_once(stage::style how, way by, account& from, const bank& at,
                                                 const std::vector<int>& amounts) {
  std::vector<result<int>> left;
  if (how == stage::style::blocking) {
    for (int cents : amounts)
      left.push_back(capture([&] { return blocking::withdraw_naively(from, at, cents); }));
    return left;
  }
  std::optional<future<void>> owner;
  if (by == way::by_owner) owner = detail::begin_to_own(how, from, at);
  std::vector<future<int>> all;
  for (int cents : amounts) all.push_back(detail::begin(how, by, from, at, cents));
  left = run(when_all_settled(std::move(all)));
  from.slips.close();
  if (owner) run(*std::move(owner));
  return left;
}

}  // namespace lost_update
