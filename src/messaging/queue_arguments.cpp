#include "braid/messaging/detail/queue_arguments.hpp"

#include <string>
#include <system_error>

#include "braid/base/error.hpp"
#include "braid/messaging/detail/log_format.hpp"

namespace braid::messaging::detail {

namespace {

constexpr std::size_t most_key_bytes = 1000, most_in_a_send = 4096;

void require_argument(bool holds, const char* call, const char* what) {
  if (!holds) invalid_argument_error(call, what).rethrow();
}

}  // namespace

void require_queue_options(const queue_options& how) {
  require_argument(
      how.most_messages != 0 && how.most_bytes != 0 && how.most_message_bytes <= most_body_bytes / 2,
      "queue::open", "a bound is 0, or most_message_bytes is above 512 MiB");
}

void require_group_options(std::string_view name, const group_options& how) {
  require_argument(!name.empty() && name.size() <= 255 && how.attempts >= 1 && how.key_limit >= 1 &&
                       how.lease > loop_clock::duration::zero(),
                   "queue::make_group",
                   "the name has 1 to 255 bytes, attempts and key_limit are at least 1, lease is positive");
}

void require_sendable(std::span<const outgoing> all, const queue_options& how, bool needs_room) {
  const char* const call = "queue::send";
  require_argument(all.size() <= most_in_a_send, call, "a send has at most 4096 messages");
  std::size_t bytes = 0;
  for (const outgoing& each : all) {
    require_argument(each.how.priority >= 0 && each.how.priority <= 9, call, "a priority is 0 to 9");
    require_argument(
        each.how.key.size() <= most_key_bytes && each.how.idempotency_key.size() <= most_key_bytes, call,
        "a key has at most 1000 bytes");
    bytes += each.body.size();
    const bool never_fits = bytes > how.most_bytes || all.size() > how.most_messages;
    if (each.body.size() > how.most_message_bytes || (never_fits && needs_room))
      error(std::make_error_code(std::errc::message_size), call,
            std::to_string(bytes) +
                " bytes, with most_message_bytes = " + std::to_string(how.most_message_bytes) +
                " and most_bytes = " + std::to_string(how.most_bytes))
          .rethrow();
  }
}

}  // namespace braid::messaging::detail
