#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "braid/loop/bytes.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/loop/io_sender.hpp"
#include "braid/net/detail/descriptor_outcomes.hpp"
#include "braid/net/detail/message.hpp"
#include "braid/net/stream_socket.hpp"

namespace braid::unix_domain {

/// The process at the other end of a connection, as it was when it connected or began to listen.
///
///     const unix_domain::credentials who = local_peer.peer_credentials();
///     if (who.user != 0) log("process " + std::to_string(who.process) + " may not do that");
struct credentials {
  pid_t process = 0;
  uid_t user = 0;
  gid_t group = 0;
};

/// What receive_descriptors has received.
///
///     std::array<char, 64> text;
///     unix_domain::received got = co_await local_peer.receive_descriptors(text, 1);
///     if (!got.descriptors.empty()) descriptor log_file = std::move(got.descriptors.front());
struct received {
  received() = default;
  received(received&&) = default;
  received& operator=(received&&) = default;

  std::size_t size = 0;  ///< bytes in the buffer; 0 at the end
  std::vector<descriptor> descriptors{};
  /// More descriptors came than were asked for, or than the process has room for. They are closed.
  bool lost = false;
};

/// A connection over a Unix-domain socket, within this machine. It is used like a tcp::stream, and carries
/// open descriptors too.
///
///     const unix_domain::stream server = co_await unix_domain::connect("/run/app.sock");
///     co_await server.write_all("hello\n");
///     const int log_file = ::open("/tmp/log", O_WRONLY | O_CLOEXEC);
///     co_await server.send_descriptors("log", std::span(&log_file, 1));
///
/// Lifetime, Threads, Errors, Cancel  as those of stream_socket.
class stream : public stream_socket {
 public:
  stream() = default;
  using splices = stream;  // for copy
  /// Adopts a connected socket.
  [[nodiscard]] static stream from_descriptor(int number) noexcept { return stream(descriptor(number)); }
  /// The peer's process and user, which the system vouches for. Throws std::system_error without a
  /// connection.
  [[nodiscard]] credentials peer_credentials() const;

  /// Sends at most this many descriptors at once.
  static constexpr std::size_t most_descriptors = 253;
  /// Writes all bytes of `from`, of which the first carries the descriptors: the peer gets duplicates. `from`
  /// must not be empty.
  /// Lifetime  the descriptors stay open until the operation ends.
  /// Errors    invalid_argument, with the reason, for no byte or more than most_descriptors;
  ///           bad_file_descriptor when one is not open; then nothing is written.
  /// Cost      one allocation.
  [[nodiscard]] auto send_descriptors(readable_bytes from, std::span<const int> descriptors) const {
    const request what{
        .code = opcode::send_message, .descriptor = number(), .flags = braid::detail::send_message_flags};
    return io_sender<detail::send_descriptors_outcome>{
        what, detail::send_descriptors_outcome(from, descriptors, most_descriptors)};
  }
  /// Reads like read_some, and receives at most `most` descriptors that came with these bytes. They are
  /// closed when the program executes another one. A plain read closes the descriptors that came along.
  /// Cancel  nothing is lost: a descriptor that has arrived is in the value.
  /// Cost    two allocations.
  [[nodiscard]] auto receive_descriptors(writable_bytes to, std::size_t most) const {
    const request what{.code = opcode::receive_message,
                       .descriptor = number(),
                       .length = transfer_length(to.size()),
                       .flags = MSG_CMSG_CLOEXEC};
    return io_sender<detail::receive_descriptors_outcome<received>>{
        what, {detail::received_descriptors(to, most < most_descriptors ? most : most_descriptors)}};
  }

 private:
  explicit stream(descriptor open) noexcept : stream_socket(std::move(open)) {}
};

}  // namespace braid::unix_domain
