#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

#include "braid/base/result.hpp"
#include "braid/loop/request.hpp"

namespace braid {

/// The optional functions that an io_outcome has: `static constexpr io_hooks hooks{.again = true};`
///
///     struct open_outcome {
///       using value_type = int;
///       static constexpr io_hooks hooks{.prepare = true};
///       static constexpr const char* name() noexcept { return "open"; }
///       int prepare(request& what) noexcept {
///         what.address = path.data();  // which moves no more
///         return path.empty() ? ENOENT : 0;
///       }
///       result<int> operator()(std::int32_t ended, const request&) const noexcept { return ended; }
///       std::string path;
///     };
///
/// Each optional function must be both defined and named here. So a misspelt function, or one of the wrong
/// type, is a compile error instead of one that is never called.
struct io_hooks {
  /// int prepare(request&): points the request at members of the outcome, which is at its final address by
  /// then. Returns 0, an errno that ends the operation, or nothing_to_do, which ends it with a result of 0.
  bool prepare = false;
  /// bool again(std::int32_t& result, request&): true when the request, changed, must be submitted once more.
  bool again = false;
  /// std::string object(): the object of the call (a path, an endpoint), for messages.
  bool object = false;
  /// bool may_block(const request&): may the request block although its descriptor is ready, or because it
  /// has none?
  bool may_block = false;
  /// std::size_t transferred(): the bytes moved before an error, for error::transferred().
  bool transferred = false;
  /// A member `file_traits traits`: the operation waits for those begun before it on its descriptor. See
  /// loop/file_traits.hpp.
  bool takes_turns = false;
  /// bool may_be_cached(): may the kernel have what the request reads in memory? Then it is asked first,
  /// without a request.
  bool may_be_cached = false;

  bool unstoppable = false;  ///< ignores stop requests
  bool receives = false;  ///< receives from a socket
  bool is_nop = false;  ///< the request is a nop: it has no descriptor and no buffer
};

/// Returned by prepare when no system call is needed.
///
///     struct read_outcome {
///       using value_type = std::size_t;
///       static constexpr io_hooks hooks{.prepare = true};
///       static constexpr const char* name() noexcept { return "read"; }
///       int prepare(request& what) noexcept { return what.length == 0 ? nothing_to_do : 0; }
///       result<std::size_t> operator()(std::int32_t ended, const request&) const {
///         return static_cast<std::size_t>(ended);
///       }
///     };
inline constexpr int nothing_to_do = -1;

/// Turns a completed request into the operation's value: the second half of an io_sender.
///
///     struct flush_outcome {
///       using value_type = void;
///       static constexpr const char* name() noexcept { return "flush"; }
///       result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
///     };
///     static_assert(io_outcome<flush_outcome>);
///
/// name()                       the call, for messages
/// operator()(result, request)  the value of a request that succeeded: result >= 0
/// hooks                        optional: names the optional functions that the outcome has
template <class O>
concept io_outcome = std::move_constructible<O> && requires(O& o, std::int32_t ended, const request& what) {
  typename O::value_type;
  { o.name() } -> std::convertible_to<const char*>;
  { o(ended, what) } -> std::convertible_to<result<typename O::value_type>>;
};

}  // namespace braid
