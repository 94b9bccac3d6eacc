#pragma once

#include <cstdint>

namespace braid {

/// Why stop was requested. A caller of request_stop may say so. What is being stopped can ask its stop token,
/// and a handler the error with which it ended.
///
///     constexpr stop_reason new_settings = of_program(1);  // one of the program's own
///     stop_source stop;
///     auto page = spawn(with_stop_token(fetch("page"), stop.get_token()));
///     stop.request_stop(new_settings);
///     const auto text = co_await as_result(std::move(page));
///     if (!text && text.error().stop_reason() == new_settings) log("once more, with the new settings");
///
/// The reason goes down with the request: from a scope to its children, from an awaiter to what it awaits,
/// and from a cancelled awaiter of a future to the future's operation. Of several requests the first one's
/// stays.
enum class stop_reason : std::uint16_t {
  none,  ///< stop was not requested
  requested,  ///< without a reason
  timed_out,  ///< by with_timeout or with_deadline
  sibling_failed,  ///< another operation of the join or the scope has failed
  not_needed,  ///< nobody needs the result: another operation of the join has won, or the future was dropped
  shut_down,  ///< for a program that ends
  first_of_program = 256,  ///< from here on, the program's own
};

/// The nth reason of the program's own, from 0.
///
///     constexpr stop_reason new_settings = of_program(1);
[[nodiscard]] constexpr stop_reason of_program(std::uint16_t n) noexcept {
  return static_cast<stop_reason>(static_cast<std::uint16_t>(stop_reason::first_of_program) + n);
}

}  // namespace braid
