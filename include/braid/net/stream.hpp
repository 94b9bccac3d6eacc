#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <utility>

#include "braid/loop/bytes.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/loop/detail/transfer_bytes.hpp"
#include "braid/net/endpoint.hpp"

namespace braid::tcp {

namespace detail {
inline constexpr char read_some_name[] = "stream::read_some", read_exactly_name[] = "stream::read_exactly",
                      write_some_name[] = "stream::write_some", write_all_name[] = "stream::write_all";
struct shutdown_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return "stream::shutdown_send"; }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
};
}  // namespace detail

/// A TCP connection. TCP_NODELAY is set: what is written leaves at once.
///
/// Lifetime  closed by its destructor, without waiting; close() waits. A buffer stays alive until its
///           operation ends.
/// Threads   its operations run on the current loop. One read and one write may be in flight at a time.
/// Errors    std::error_code of the system call, its message naming call and peer. The peer's orderly end is
///           a read of 0 bytes; read_exactly that meets it fails with errc::end_of_stream. No SIGPIPE is ever
///           raised.
/// Cancel    read_exactly and write_all may have moved a part: error::transferred() says how much, as it does
///           when they fail.
class stream {
 public:
  stream() = default;
  /// Adopts a connected socket.
  [[nodiscard]] static stream from_descriptor(int number) noexcept { return stream(descriptor(number)); }
  [[nodiscard]] int number() const noexcept { return descriptor_.number(); }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_.is_open(); }
  [[nodiscard]] int release() noexcept { return descriptor_.release(); }
  /// The two ends. Both throw std::system_error when there is no connection (any more).
  [[nodiscard]] endpoint local_endpoint() const;
  [[nodiscard]] endpoint peer_endpoint() const;

  /// At most to.size() bytes as soon as there are any: how many, 0 at the end.
  [[nodiscard]] auto read_some(writable_bytes to) const noexcept {
    return some<detail::read_some_name, true>(opcode::receive, to.data(), to.size(), 0);
  }
  /// Exactly to.size() bytes.
  [[nodiscard]] auto read_exactly(writable_bytes to) const noexcept {
    return whole<detail::read_exactly_name, true>(opcode::receive, to.data(), to.size(), MSG_WAITALL);
  }
  /// At most from.size() bytes, as many as the socket takes now: how many.
  [[nodiscard]] auto write_some(readable_bytes from) const noexcept {
    return some<detail::write_some_name>(opcode::send, const_cast<void*>(from.data()), from.size(),
                                         MSG_NOSIGNAL);
  }
  /// All of from.
  [[nodiscard]] auto write_all(readable_bytes from) const noexcept {
    return whole<detail::write_all_name>(opcode::send, const_cast<void*>(from.data()), from.size(),
                                         MSG_NOSIGNAL);
  }
  /// Tells the peer that no more will be written; reading goes on.
  [[nodiscard]] auto shutdown_send() const noexcept {
    request what{.code = opcode::shutdown, .descriptor = number(), .length = SHUT_WR};
    return io_sender<detail::shutdown_outcome>{what, {}};
  }
  /// See descriptor::close.
  [[nodiscard]] auto close() noexcept { return descriptor_.close(); }

 private:
  explicit stream(descriptor open) noexcept : descriptor_(std::move(open)) {}

  template <const char* Name, bool Receives = false>
  using some_sender = io_sender<braid::detail::some_outcome<Name, Receives>>;
  template <const char* Name, bool Receives = false>
  using whole_sender = io_sender<braid::detail::whole_outcome<Name, void, Receives>>;

  template <const char* Name, bool Receives = false>
  some_sender<Name, Receives> some(opcode code, void* address, std::size_t size,
                                   unsigned flags) const noexcept {
    return {{.code = code,
             .descriptor = number(),
             .address = address,
             .length = transfer_length(size),
             .flags = flags},
            {}};
  }
  template <const char* Name, bool Receives = false>
  whole_sender<Name, Receives> whole(opcode code, void* address, std::size_t size,
                                     unsigned flags) const noexcept {
    return {{.code = code, .descriptor = number(), .address = address, .flags = flags}, {size}};
  }

  descriptor descriptor_;
};

}  // namespace braid::tcp
