// libFuzzer: what a Redis server may send, as arbitrary bytes. Whole and in pieces it must be the same
// replies, or the same failure, within the limit of memory.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "../../src/redis/reply_reader.hpp"

using namespace braid;

namespace {

struct outcome {
  std::vector<redis::value> replies;
  bool is_malformed = false;
};

outcome read(const char* bytes, std::size_t size, std::size_t piece) {
  outcome found;
  redis::detail::reply_reader reader(4000);
  try {
    for (std::size_t at = 0; at < size; at += piece) {
      reader.feed(bytes + at, std::min(piece, size - at));
      for (bool more = true; more;) {
        std::optional<redis::value> reply = reader.next();
        more = reply.has_value();
        if (more) found.replies.push_back(*std::move(reply));
      }
    }
  } catch (const std::system_error& why) {
    if (why.code() != redis::errc::malformed_reply) std::abort();
    found.is_malformed = true;
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const char* const bytes = reinterpret_cast<const char*>(data) + 1;
  const outcome whole = read(bytes, size - 1, size - 1);
  const outcome cut = read(bytes, size - 1, std::size_t{data[0]} % 16 + 1);
  // A text that is too long is refused before its end, in pieces, too: the replies before it are the same.
  if (whole.replies != cut.replies || whole.is_malformed != cut.is_malformed) std::abort();
  for (const redis::value& each : whole.replies)
    if (each.to_string().empty() && !each.text().empty()) std::abort();
  return 0;
}
