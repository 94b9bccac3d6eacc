#pragma once

#include <cstddef>
#include <utility>

#include "braid/base/result.hpp"
#include "braid/core/sender.hpp"
#include "braid/net/byte_stream.hpp"
#include "braid/net/gathered_bytes.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// Takes several pieces of memory in one operation: write_all(gathered_bytes) is a sender of void.
///
///     static_assert(gathering_writable<tcp::stream> && !gathering_writable<file>);
template <class S>
concept gathering_writable = writable<S> && requires(std::remove_reference_t<S>& to, gathered_bytes pieces) {
  { to.write_all(pieces) } -> sender;
  requires std::same_as<value_of<decltype(to.write_all(pieces))>, void>;
};

/// Writes several pieces of memory to any stream: together where the stream can, else one after the other.
///
///     co_await write_all(peer, {"GET / HTTP/1.1\r\n", "Host: localhost\r\n\r\n"});
///
/// Lifetime  the pieces and the stream stay alive until the operation has ended.
/// Errors    those of the stream. error::transferred() says how many bytes of all pieces were written.
/// Cancel    like an error: a part may be written.
template <writable S>
[[nodiscard]] task<> write_all(S& to, gathered_bytes from) {
  if constexpr (gathering_writable<S>) {
    co_await to.write_all(from);
  } else {
    std::size_t done = 0;
    for (const readable_bytes& each : from.pieces()) {
      auto writing = as_result(to.write_all(each));
      result<void> ended = co_await std::move(writing);
      if (!ended) {
        error failed = std::move(ended).error();
        failed.set_transferred(done + failed.transferred());
        failed.rethrow();
      }
      done += each.size();
    }
  }
}

}  // namespace braid
