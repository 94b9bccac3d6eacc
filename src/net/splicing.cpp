#include "braid/net/detail/splicing.hpp"

#include <system_error>

#include "braid/loop/direct_calls.hpp"

namespace braid::detail {

bool splice_pipe::open() noexcept {
  constexpr int least = 64 << 10;  // with less, a copy through memory is as fast
  if (refused_ || size_ != 0) return !refused_;
  int ends[2] = {-1, -1};
  const int size = direct_calls::current().splice_pipe(ends, most);
  reader_ = descriptor(ends[0]);
  writer_ = descriptor(ends[1]);
  refused_ = size < least;
  if (!refused_) size_ = static_cast<std::uint32_t>(size);
  return !refused_;
}

// A sandbox may forbid the call. EAGAIN: there is no thread to carry it out.
bool splice_pipe::is_refusal(const error& why) noexcept {
  return why == std::errc::invalid_argument || why == std::errc::function_not_supported ||
         why == std::errc::operation_not_supported || why == std::errc::operation_not_permitted ||
         why == std::errc::permission_denied || why == std::errc::resource_unavailable_try_again;
}

void fail_copy(const error& why, const copy_progress& so_far) {
  error failed = why;
  failed.set_transferred(so_far.written);
  failed.rethrow();
}

}  // namespace braid::detail
