#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <thread>
#include <vector>

namespace braid_tests {

/// An io_context that threads of its own run until the object is destroyed.
class io_thread {
 public:
  explicit io_thread(int threads = 1) {
    while (threads-- > 0) threads_.emplace_back([this] { context.run(); });
  }
  ~io_thread() {
    work_.reset();
    for (std::thread& each : threads_) each.join();
  }
  [[nodiscard]] std::thread::id id() const { return threads_.front().get_id(); }
  boost::asio::io_context context;

 private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context.get_executor()};
  std::vector<std::thread> threads_;
};

using unix_socket = boost::asio::local::stream_protocol::socket;

/// Two connected sockets.
struct socket_pair {
  template <class Executor>
  explicit socket_pair(const Executor& on) : here(on), there(on) {
    boost::asio::local::connect_pair(here, there);
  }
  unix_socket here, there;
};

}  // namespace braid_tests
