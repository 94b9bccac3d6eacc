#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

#include "braid/loop/io_outcome.hpp"

namespace braid::detail {

/// The hooks of an outcome, checked against the functions that it defines.
template <class O>
struct hooks_of {
  static constexpr io_hooks value = [] {
    if constexpr (requires {
                    { O::hooks } -> std::convertible_to<io_hooks>;
                  })
      return O::hooks;
    return io_hooks();
  }();
  static_assert(
      !requires { &O::hooks; } ||
          requires {
            { O::hooks } -> std::convertible_to<io_hooks>;
          },
      "io_outcome: hooks must be `static constexpr io_hooks hooks`");

  static constexpr bool prepares = requires(O& o, request& what) {
    { o.prepare(what) } -> std::same_as<int>;
  };
  static constexpr bool goes_on = requires(O& o, std::int32_t& result, request& what) {
    { o.again(result, what) } -> std::same_as<bool>;
  };
  static constexpr bool names_object = requires(const O& o) {
    { o.object() } -> std::convertible_to<std::string>;
  };
  static constexpr bool has_may_block = requires(const O& o, const request& what) {
    { o.may_block(what) } -> std::same_as<bool>;
  };
  static constexpr bool has_transferred = requires(const O& o) {
    { o.transferred() } -> std::same_as<std::size_t>;
  };
  static constexpr bool has_traits = requires(O& o) { o.traits; };
  static constexpr bool asks_cache = requires(const O& o) {
    { o.may_be_cached() } -> std::same_as<bool>;
  };

  static_assert(!value.prepare || prepares,
                "io_outcome: its hooks name prepare, which must be `int prepare(request&)`");
  static_assert(!value.again || goes_on,
                "io_outcome: its hooks name again, which must be `bool again(std::int32_t&, request&)`");
  static_assert(!value.object || names_object,
                "io_outcome: its hooks name object, which must be `std::string object() const`");
  static_assert(!value.may_block || has_may_block,
                "io_outcome: its hooks name may_block, which must be `bool may_block(const request&) const`");
  static_assert(!value.transferred || has_transferred,
                "io_outcome: its hooks name transferred, which must be `std::size_t transferred() const`");
  static_assert(!value.takes_turns || has_traits,
                "io_outcome: its hooks name takes_turns, which needs a member `file_traits traits`");
  static_assert(!value.may_be_cached || asks_cache,
                "io_outcome: its hooks name may_be_cached, which must be `bool may_be_cached() const`");

  static_assert(value.prepare || !(prepares || requires { &O::prepare; }),
                "io_outcome: it has a prepare that its hooks do not name, so it would never be called");
  static_assert(value.again || !(goes_on || requires { &O::again; }),
                "io_outcome: it has an again that its hooks do not name, so it would never be called");
  static_assert(value.object || !(names_object || requires { &O::object; }),
                "io_outcome: it has an object that its hooks do not name, so it would never be called");
  static_assert(value.may_block || !(has_may_block || requires { &O::may_block; }),
                "io_outcome: it has a may_block that its hooks do not name, so it would never be called");
  static_assert(value.transferred || !(has_transferred || requires { &O::transferred; }),
                "io_outcome: it has a transferred that its hooks do not name, so it would never be called");
  static_assert(value.may_be_cached || !(asks_cache || requires { &O::may_be_cached; }),
                "io_outcome: it has a may_be_cached that its hooks do not name, so it would never be called");

  static constexpr bool checked = true;  // asked for by io_sender, so that a mistake is reported there

  // The hooks without the mistaken ones, so that the compiler reports a mistake only once.
  static constexpr io_hooks usable = [] {
    io_hooks right = value;
    right.prepare &= prepares;
    right.again &= goes_on;
    right.object &= names_object;
    right.may_block &= has_may_block;
    right.transferred &= has_transferred;
    right.takes_turns &= has_traits;
    right.may_be_cached &= asks_cache;
    return right;
  }();
};

}  // namespace braid::detail
