#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/net/any_stream.hpp"
#include "braid/redis/client_options.hpp"
#include "braid/redis/request.hpp"
#include "braid/style/task.hpp"
#include "reply_reader.hpp"

namespace braid::redis::detail {

// The address and the options of a client, which its connections share.
struct settings : pinned {
  settings(server_address at, client_options how);
  const server_address where;
  client_options options;
  const bool wants_master;  // a replica is no use
};

// A stream to a server that has been greeted, and the reader of its replies.
class server_link : pinned {
 public:
  server_link(any_stream over, std::size_t most_reply_bytes);

  /// Connects, authenticates, and selects the database. Its errors say whether another attempt may help.
  [[nodiscard]] static task<std::unique_ptr<server_link>> open(std::shared_ptr<settings> how);

  /// Reads what arrives into the reader. Throws errc::end_of_stream at the end.
  [[nodiscard]] task<> receive();
  /// Sends the request, and reads its reply, while no other is in flight.
  [[nodiscard]] task<value> ask(request what);

  any_stream stream;
  reply_reader replies;

 private:
  std::vector<char> part_;
};

/// Is it of no use to connect again? So it is if the server refuses the password, the user or the database.
[[nodiscard]] bool is_final(const error& why) noexcept;

}  // namespace braid::redis::detail
