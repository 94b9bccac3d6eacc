#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "braid/loop/bytes.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/loop/io_outcome.hpp"
#include "braid/loop/request.hpp"

namespace braid::unix_domain::detail {

// Sends bytes until all are sent; the first of them carry the descriptors.
class send_descriptors_outcome {
 public:
  send_descriptors_outcome(readable_bytes from, std::span<const int> descriptors, std::size_t most);

  using value_type = void;
  static constexpr io_hooks hooks{.prepare = true, .again = true, .object = true, .transferred = true};
  static constexpr const char* name() noexcept { return "stream::send_descriptors"; }
  [[nodiscard]] int prepare(request& what) noexcept;
  [[nodiscard]] bool again(std::int32_t& ended, request& what) noexcept;
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
  [[nodiscard]] std::string object() const;
  [[nodiscard]] std::size_t transferred() const noexcept { return done_; }

 private:
  const void* next_;
  std::size_t left_;
  std::size_t done_ = 0;
  std::size_t count_, most_;
  std::unique_ptr<std::byte[]> control_;
  std::size_t control_size_ = 0;
  iovec part_{};
  msghdr header_{};
};

// The buffers of one recvmsg(2), and the descriptors that it has brought.
class received_descriptors {
 public:
  received_descriptors(writable_bytes to, std::size_t most);
  [[nodiscard]] int prepare(request& what) noexcept;
  // Takes the descriptors out of the control buffer. True when some are lost.
  [[nodiscard]] bool take() noexcept;
  [[nodiscard]] std::vector<descriptor>& all() noexcept { return all_; }

 private:
  std::size_t most_;
  std::unique_ptr<std::byte[]> control_;
  std::vector<descriptor> all_;  // has memory for as many as may come
  iovec part_;
  msghdr header_{};
};

template <class Received>
struct receive_descriptors_outcome {
  using value_type = Received;
  static constexpr io_hooks hooks{.prepare = true};
  static constexpr const char* name() noexcept { return "stream::receive_descriptors"; }
  [[nodiscard]] int prepare(request& what) noexcept { return message.prepare(what); }
  result<Received> operator()(std::int32_t size, const request&) noexcept {
    Received got;
    got.lost = message.take();
    got.size = static_cast<std::size_t>(size);
    got.descriptors = std::move(message.all());
    return got;
  }
  received_descriptors message;
};

}  // namespace braid::unix_domain::detail
