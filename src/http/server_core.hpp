#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/pinned.hpp"
#include "braid/http/router.hpp"
#include "braid/http/server_options.hpp"
#include "braid/net/tcp.hpp"
#include "braid/sync/semaphore.hpp"

namespace braid::http::detail {

class server_connection;

// What the connections of one server share.
class server_core : pinned {
 public:
  server_core(handler its_answer, server_options its_options);

  handler answer;
  server_options options;
  semaphore places;  // for handlers
  std::size_t waiting = 0;
  std::uint64_t requests = 0, refused = 0;
  std::size_t connections = 0, turned_away = 0;  // the latter are among the former
  const tcp::listener* door = nullptr;  // over which the connections come, if it is known
  bool shuts_down = false;
  /// Do connections end behind their responses?
  [[nodiscard]] bool ends() const noexcept { return shuts_down || (door != nullptr && !door->is_open()); }
  braid::detail::intrusive_list<server_connection> all;
};

}  // namespace braid::http::detail
