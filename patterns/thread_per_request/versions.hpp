#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <thread>

#include "contract.hpp"

namespace thread_per_request {

/// Serves until stop is requested of all.closing. The thread has no loop; the model makes its own.
namespace threads {
void serve(tcp::listener door, const service& all);
}
namespace pools {
void serve(tcp::listener door, const service& all);
}
namespace loops {
void serve(tcp::listener door, const service& all);
}
namespace fibers {
void serve(tcp::listener door, const service& all);
}
namespace cores {
void serve(tcp::listener door, const service& all);
}

enum class model { thread, pool, loop, fibers, cores };
inline constexpr std::array every_model{model::thread, model::pool, model::loop, model::fibers,
                                        model::cores};

[[nodiscard]] constexpr std::string_view name_of(model which) {
  constexpr std::array<std::string_view, 5> names{"thread", "pool", "loop", "fibers", "cores"};
  return names[static_cast<std::size_t>(which)];
}

/// A server of one model, on threads of its own.
///
/// Lifetime  serves from construction to destruction; the backend outlives it.
class server : pinned {
 public:
  server(model by, endpoint at, database& from, std::size_t pool_threads = 200);
  ~server();
  [[nodiscard]] const endpoint& address() const noexcept { return address_; }

 private:
  stop_source closing_;
  const service all_;
  endpoint address_;
  std::thread thread_;
};

}  // namespace thread_per_request
