#pragma once

#include <cstddef>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/net/gathered_bytes.hpp"
#include "braid/net/write_all.hpp"
#include "braid/style/task.hpp"

namespace braid::detail {

// What an any_stream has.
class erased_stream : pinned {
 public:
  virtual ~erased_stream() = default;
  // The stream of an any_stream that has none.
  [[nodiscard]] static erased_stream& none() noexcept;
  virtual task<std::size_t> read_some(writable_bytes to) = 0;
  virtual task<> write_all(readable_bytes from) = 0;
  virtual task<> write_pieces(gathered_bytes from) = 0;
  virtual task<> shutdown_send();  // these two are not supported, unless S can
  virtual task<> close();
  virtual task<> abort();  // closes, unless S can
};

template <class S>
class stream_model final : public erased_stream {
 public:
  explicit stream_model(S&& stream) : stream_(std::move(stream)) {}
  task<std::size_t> read_some(writable_bytes to) override { co_return co_await stream_.read_some(to); }
  task<> write_all(readable_bytes from) override { co_await stream_.write_all(from); }
  task<> write_pieces(gathered_bytes from) override { return braid::write_all(stream_, from); }
  task<> shutdown_send() override {
    if constexpr (requires {
                    { stream_.shutdown_send() } -> sender;
                  })
      co_await stream_.shutdown_send();
    else
      co_await erased_stream::shutdown_send();
  }
  task<> close() override {
    if constexpr (requires {
                    { stream_.close() } -> sender;
                  })
      co_await stream_.close();
    else
      co_await erased_stream::close();
  }
  task<> abort() override {
    if constexpr (requires {
                    { stream_.abort() } -> sender;
                  })
      co_await stream_.abort();
    else
      co_await close();
  }

 private:
  S stream_;
};

}  // namespace braid::detail
