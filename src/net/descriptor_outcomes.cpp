#include "braid/net/detail/descriptor_outcomes.hpp"

#include <cerrno>
#include <cstring>

#include "braid/loop/direct_calls.hpp"

namespace braid::unix_domain::detail {

send_descriptors_outcome::send_descriptors_outcome(readable_bytes from, std::span<const int> descriptors,
                                                   std::size_t most)
    : next_(from.data()), left_(from.size()), count_(descriptors.size()), most_(most) {
  if (descriptors.empty() || count_ > most_) return;
  control_size_ = CMSG_SPACE(descriptors.size_bytes());
  control_ = std::make_unique<std::byte[]>(control_size_);
  auto& control = *reinterpret_cast<cmsghdr*>(control_.get());
  control.cmsg_level = SOL_SOCKET;
  control.cmsg_type = SCM_RIGHTS;
  control.cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(&control), descriptors.data(), descriptors.size_bytes());
}

int send_descriptors_outcome::prepare(request& what) noexcept {
  if (what.descriptor < 0) return EBADF;
  if (left_ == 0 || count_ > most_) return EINVAL;
  part_ = {const_cast<void*>(next_), left_};
  header_ = {};
  header_.msg_iov = &part_;
  header_.msg_iovlen = 1;
  header_.msg_control = control_.get();
  header_.msg_controllen = control_size_;
  what.address = &header_;
  what.length = transfer_length(left_);
  return 0;
}

bool send_descriptors_outcome::again(std::int32_t& ended, request& what) noexcept {
  if (ended <= 0) return false;
  const auto moved = static_cast<std::size_t>(ended);
  left_ -= moved;
  done_ += moved;
  if (left_ == 0) return false;
  next_ = static_cast<const std::byte*>(next_) + moved;
  control_size_ = 0;  // they have gone with the first byte
  return prepare(what) == 0;
}

std::string send_descriptors_outcome::object() const {
  if (count_ > most_)
    return std::to_string(count_) + " descriptors, where " + std::to_string(most_) + " is the limit";
  if (left_ == 0 && done_ == 0) return "descriptors without a byte that carries them";
  return {};
}

// CMSG_SPACE would leave room for one descriptor more.
received_descriptors::received_descriptors(writable_bytes to, std::size_t most)
    : most_(most),
      control_(std::make_unique<std::byte[]>(CMSG_SPACE(most * sizeof(int)))),
      part_{to.data(), to.size()} {
  all_.reserve(most);
}

int received_descriptors::prepare(request& what) noexcept {
  if (part_.iov_len == 0) return what.descriptor < 0 ? EBADF : braid::nothing_to_do;
  header_ = {};
  header_.msg_iov = &part_;
  header_.msg_iovlen = 1;
  header_.msg_control = control_.get();
  header_.msg_controllen = most_ == 0 ? 0 : CMSG_LEN(most_ * sizeof(int));
  what.address = &header_;
  return 0;
}

bool received_descriptors::take() noexcept {
  bool lost = (header_.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* each = CMSG_FIRSTHDR(&header_); each != nullptr; each = CMSG_NXTHDR(&header_, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t n = 0; n != count; ++n) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(each) + n * sizeof number, sizeof number);
      descriptor owned(number);
      if (all_.size() < most_)
        all_.push_back(std::move(owned));
      else
        lost = true;
    }
  }
  return lost;
}

}  // namespace braid::unix_domain::detail
