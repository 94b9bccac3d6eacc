#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "braid/loop/io_outcome.hpp"
#include "braid/loop/request.hpp"
#include "braid/net/gathered_bytes.hpp"

namespace braid::detail {

inline constexpr char stream_read_some_name[] = "stream::read_some",
                      stream_read_exactly_name[] = "stream::read_exactly",
                      stream_write_some_name[] = "stream::write_some",
                      stream_write_all_name[] = "stream::write_all";
struct shutdown_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return "stream::shutdown_send"; }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
};

// Sends pieces, as many of them at once as it has room to name, until all are sent.
class gather_outcome {
 public:
  explicit gather_outcome(const gathered_bytes& all) noexcept : all_(all), left_(all.size()) {}

  using value_type = void;
  static constexpr io_hooks hooks{.prepare = true, .again = true, .transferred = true};
  static constexpr const char* name() noexcept { return stream_write_all_name; }
  [[nodiscard]] int prepare(request& what) noexcept;
  [[nodiscard]] bool again(std::int32_t& ended, request& what) noexcept;
  result<void> operator()(std::int32_t, const request& what) const;
  [[nodiscard]] std::size_t transferred() const noexcept { return done_; }

 private:
  void name_parts(request& what) noexcept;

  gathered_bytes all_;
  std::size_t piece_ = 0;  // where to go on: the piece, and how many bytes of it are sent
  std::size_t sent_of_it_ = 0;
  std::size_t left_;
  std::size_t done_ = 0;
  std::array<iovec, 4> parts_{};
  msghdr header_{};
};

}  // namespace braid::detail
