#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/net/byte_stream.hpp"
#include "braid/style/task.hpp"

namespace braid::tls::detail {

// The stream below, whatever its type.
class transport : braid::pinned {
 public:
  virtual ~transport() = default;
  [[nodiscard]] virtual task<std::size_t> read_some(writable_bytes to) = 0;
  [[nodiscard]] virtual task<> write_all(readable_bytes from) = 0;
  [[nodiscard]] virtual task<> shutdown_send() = 0;
  [[nodiscard]] virtual task<> close() = 0;
  [[nodiscard]] virtual task<> abort() = 0;  // or close, where it has none
  /// The peer's name for messages; empty if it has none.
  [[nodiscard]] virtual std::string peer() const noexcept = 0;
};

template <byte_stream S>
class transport_over final : public transport {
 public:
  explicit transport_over(S under) : under_(std::move(under)) {}

  task<std::size_t> read_some(writable_bytes to) override { co_return co_await under_.read_some(to); }
  task<> write_all(readable_bytes from) override { co_await under_.write_all(from); }
  task<> shutdown_send() override {
    if constexpr (requires { under_.shutdown_send(); }) co_await under_.shutdown_send();
    co_return;
  }
  task<> close() override {
    if constexpr (requires { under_.close(); }) co_await under_.close();
    co_return;
  }
  task<> abort() override {
    if constexpr (requires { under_.abort(); })
      co_await under_.abort();
    else
      co_await close();
  }
  [[nodiscard]] std::string peer() const noexcept override {
    if constexpr (requires {
                    { under_.peer_endpoint().to_string() } -> std::same_as<std::string>;
                  }) {
      try {
        return under_.peer_endpoint().to_string();
      } catch (...) {  // it is not connected any more
      }
    }
    return {};
  }

 private:
  S under_;
};

}  // namespace braid::tls::detail
