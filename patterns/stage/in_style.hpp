#pragma once

#include <array>
#include <source_location>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <braid/style/fiber.hpp>
#include <braid/style/future.hpp>
#include <braid/style/run.hpp>
#include <braid/style/task.hpp>

#include "stage/handler.hpp"
#include "stage/style.hpp"

namespace stage {

template <class Signature>
struct versions;

/// One function in five styles, all with the same parameters. A style that a pattern leaves out is null.
///
///     stage::versions{blocking::f, callbacks::f, futures::f, coroutines::f, fibers::f}
template <class T, class... Args>
struct versions<T(Args...)> {
  T (*blocking)(Args...) = nullptr;
  void (*callback)(Args..., handler<T>) = nullptr;
  braid::future<T> (*future)(Args...) = nullptr;
  braid::task<T> (*coroutine)(Args...) = nullptr;
  T (*fiber)(Args...) = nullptr;

  [[nodiscard]] constexpr bool has(style how) const {
    return std::array{blocking != nullptr, callback != nullptr, future != nullptr, coroutine != nullptr,
                      fiber != nullptr}[static_cast<std::size_t>(how)];
  }
};
template <class T, class... Args, class Callback, class Future, class Coroutine, class Fiber>
versions(T (*)(Args...), Callback, Future, Coroutine, Fiber) -> versions<T(Args...)>;

/// A style, and the place that chose it: the outermost frame of the asynchronous stacks.
struct chosen_style {
  chosen_style(style which, std::source_location place = std::source_location::current())
      : how(which), where(place) {}
  style how;
  std::source_location where;
};

namespace detail {

// A call with the arguments that it owns, or refers to.
template <class T, class... Args>
struct bound_call {
  T operator()() { return std::apply(function, std::move(args)); }
  T (*function)(Args...);
  std::tuple<Args...> args;
};

// Calls wait with the chosen version: a sender, or the bound call of the blocking one.
template <class T, class... Args, class Wait>
auto in_style(chosen_style chosen, const versions<T(Args...)>& of, Wait wait, Args... args) {
  using call = bound_call<T, Args...>;
  if (!of.has(chosen.how))
    throw std::logic_error("there is no version in the style " + std::string(name_of(chosen.how)));
  switch (chosen.how) {
    case style::blocking: break;
    case style::callback:
      return wait(called_back<T>(
          [&](handler<T> done) { of.callback(std::forward<Args>(args)..., std::move(done)); }));
    case style::future: return wait(of.future(std::forward<Args>(args)...));
    case style::coroutine: return wait(of.coroutine(std::forward<Args>(args)...));
    case style::fiber:
      return wait(braid::in_fiber(call{of.fiber, {std::forward<Args>(args)...}}, chosen.where));
  }
  return wait(call{of.blocking, {std::forward<Args>(args)...}});
}

}  // namespace detail

/// Runs the version of that style to its end on this thread's loop.
template <class T, class... Args>
T in_style(chosen_style chosen, const versions<T(Args...)>& of, std::type_identity_t<Args>... args) {
  const auto wait = [where = chosen.where]<class Version>(Version version) -> T {
    if constexpr (braid::sender<Version>)
      return braid::run(std::move(version), where);
    else
      return version();
  };
  return detail::in_style<T, Args...>(chosen, of, wait, std::forward<Args>(args)...);
}

/// The version of that style as a task. A callback and a future begin at once; a blocking version stops the
/// loop that awaits it.
template <class T, class... Args>
braid::task<T> task_in_style(chosen_style chosen, const versions<T(Args...)>& of,
                             std::type_identity_t<Args>... args) {
  const auto wait = []<class Version>(Version version) -> braid::task<T> {
    if constexpr (braid::sender<Version>)
      co_return co_await std::move(version);
    else
      co_return version();
  };
  return detail::in_style<T, Args...>(chosen, of, wait, std::forward<Args>(args)...);
}

}  // namespace stage
