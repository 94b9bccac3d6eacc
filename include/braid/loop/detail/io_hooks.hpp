#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include "braid/loop/request.hpp"

namespace braid::detail {

/// What an io_outcome has beyond what each must have: `static constexpr io_hooks hooks{.again = true};`
///
/// A function that is named here must be there, and one that is there must be named here: so a misspelt or
/// wrongly typed one is a compile error instead of one that is never called.
struct io_hooks {
  /// int prepare(request&): points the request at what the outcome itself holds, which has its final address
  /// now. Returns 0, an errno that ends the operation, or nothing_to_do, which ends it with a result of 0.
  bool prepare = false;
  /// bool again(std::int32_t& result, request&): true when the request, changed, must be submitted once more.
  bool again = false;
  /// std::string object(): what the call was made on, for messages.
  bool object = false;
  /// bool may_block(const request&): may the request block although its descriptor is ready, or has it none?
  bool may_block = false;
  /// std::size_t transferred(): what an error says was transferred before it.
  bool transferred = false;
  /// file_traits traits: the operation waits for those that were begun before it on its descriptor.
  bool takes_turns = false;

  bool unstoppable = false;  ///< ignores stop requests
  bool receives = false;  ///< receives from a socket
  bool is_nop = false;  ///< completes at once, whatever else there is
};

/// Returned by prepare: there is nothing to ask of the system.
inline constexpr int nothing_to_do = -1;

/// The hooks of an outcome, checked.
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
  static constexpr bool tells_blocking = requires(const O& o, const request& what) {
    { o.may_block(what) } -> std::same_as<bool>;
  };
  static constexpr bool tells_transferred = requires(const O& o) {
    { o.transferred() } -> std::same_as<std::size_t>;
  };
  static constexpr bool has_traits = requires(O& o) { o.traits; };

  static_assert(!value.prepare || prepares,
                "io_outcome: its hooks name prepare, which must be `int prepare(request&)`");
  static_assert(!value.again || goes_on,
                "io_outcome: its hooks name again, which must be `bool again(std::int32_t&, request&)`");
  static_assert(!value.object || names_object,
                "io_outcome: its hooks name object, which must be `std::string object() const`");
  static_assert(!value.may_block || tells_blocking,
                "io_outcome: its hooks name may_block, which must be `bool may_block(const request&) const`");
  static_assert(!value.transferred || tells_transferred,
                "io_outcome: its hooks name transferred, which must be `std::size_t transferred() const`");
  static_assert(!value.takes_turns || has_traits,
                "io_outcome: its hooks name takes_turns, which needs a member `file_traits traits`");

  static_assert(value.prepare || !(prepares || requires { &O::prepare; }),
                "io_outcome: it has a prepare that its hooks do not name, so that nobody would call it");
  static_assert(value.again || !(goes_on || requires { &O::again; }),
                "io_outcome: it has an again that its hooks do not name, so that nobody would call it");
  static_assert(value.object || !(names_object || requires { &O::object; }),
                "io_outcome: it has an object that its hooks do not name, so that nobody would call it");
  static_assert(value.may_block || !(tells_blocking || requires { &O::may_block; }),
                "io_outcome: it has a may_block that its hooks do not name, so that nobody would call it");
  static_assert(value.transferred || !(tells_transferred || requires { &O::transferred; }),
                "io_outcome: it has a transferred that its hooks do not name, so that nobody would call it");

  // Without what is wrong, so that a mistake is named once.
  static constexpr io_hooks usable = [] {
    io_hooks right = value;
    right.prepare &= prepares;
    right.again &= goes_on;
    right.object &= names_object;
    right.may_block &= tells_blocking;
    right.transferred &= tells_transferred;
    right.takes_turns &= has_traits;
    return right;
  }();
};

}  // namespace braid::detail
