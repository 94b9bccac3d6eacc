#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "braid/loop/bytes.hpp"
#include "braid/net/byte_stream.hpp"
#include "braid/net/endpoint.hpp"
#include "braid/style/task.hpp"

namespace braid::http::detail {

// A stream of any type, so that the code of connections is compiled once.
class connection_stream {
 public:
  virtual task<std::size_t> read_some(writable_bytes to) = 0;
  virtual task<> write_all(readable_bytes from) = 0;
  /// Tells the peer that nothing more will be written, where the stream can.
  virtual task<> shutdown_send() = 0;
  virtual task<> close() = 0;
  [[nodiscard]] virtual std::optional<endpoint> peer() const = 0;
  virtual ~connection_stream() = default;
};

template <byte_stream S>
class stream_of final : public connection_stream {
 public:
  explicit stream_of(S stream) noexcept : stream_(std::move(stream)) {}
  task<std::size_t> read_some(writable_bytes to) override { co_return co_await stream_.read_some(to); }
  task<> write_all(readable_bytes from) override { co_await stream_.write_all(from); }
  task<> shutdown_send() override {
    if constexpr (requires { stream_.shutdown_send(); }) co_await stream_.shutdown_send();
    co_return;
  }
  task<> close() override {
    if constexpr (requires { stream_.close(); }) co_await stream_.close();
    co_return;
  }
  [[nodiscard]] std::optional<endpoint> peer() const override {
    if constexpr (requires { stream_.peer_endpoint(); }) {
      try {
        return stream_.peer_endpoint();
      } catch (...) {
        return std::nullopt;  // it has gone already
      }
    }
    return std::nullopt;
  }

 private:
  S stream_;
};

}  // namespace braid::http::detail
