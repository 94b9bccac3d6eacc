#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

#include "braid/base/result.hpp"
#include "braid/loop/request.hpp"

namespace braid {

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

/// What an I/O operation makes of its request: the second half of an io_sender.
///
/// name()                   the call, for messages
/// operator()(result, request)  the value of a request that ended well: result >= 0
/// hooks                    optional: names the optional functions that it has
template <class O>
concept io_outcome = std::move_constructible<O> && requires(O& o, std::int32_t ended, const request& what) {
  typename O::value_type;
  { o.name() } -> std::convertible_to<const char*>;
  { o(ended, what) } -> std::convertible_to<result<typename O::value_type>>;
};

}  // namespace braid
