#include <exception>

#include <fmt/format.h>

#include "versions.hpp"

namespace thread_per_request {

server::server(model by, endpoint at, database& from, std::size_t pool_threads)
    : all_{from, closing_.get_token(), pool_threads} {
  const tcp::listen_options how{.reuse_port = by == model::cores};
  tcp::listener door = tcp::listen_now(at, how);
  address_ = door.local_endpoint();
  constexpr std::array serve{threads::serve, pools::serve, loops::serve, fibers::serve, cores::serve};
  const auto work = [this, serves = serve[static_cast<std::size_t>(by)]](tcp::listener at_door) {
    try {
      serves(std::move(at_door), all_);
    } catch (const std::exception& failure) {
      fmt::print(stderr, "the server has ended: {}\n", failure.what());
    }
  };
  thread_ = std::thread(work, std::move(door));
}

server::~server() {
  closing_.request_stop();
  thread_.join();
}

}  // namespace thread_per_request
