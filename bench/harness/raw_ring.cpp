#include "raw_ring.hpp"

namespace bench {

raw_ring::raw_ring(unsigned entries) {
  constexpr unsigned usual = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
#ifdef IORING_SETUP_NO_SQARRAY  // as braid does; an older liburing does not support it
  int failure = io_uring_queue_init(entries, &ring_, usual | IORING_SETUP_NO_SQARRAY);
  if (failure == -EINVAL) failure = io_uring_queue_init(entries, &ring_, usual);
#else
  int failure = io_uring_queue_init(entries, &ring_, usual);
#endif
  if (failure == -EINVAL) failure = io_uring_queue_init(entries, &ring_, 0);  // before Linux 6.1
  if (failure < 0) throw std::system_error(-failure, std::system_category(), "io_uring_queue_init");
  io_uring_register_ring_fd(&ring_);  // without room in the kernel it only costs speed
}

}  // namespace bench
