// write_all of several pieces of memory over a stream socket.

#include <algorithm>
#include <cerrno>

#include "braid/base/error.hpp"
#include "braid/loop/direct_calls.hpp"
#include "braid/loop/io_outcome.hpp"
#include "braid/net/detail/stream_outcomes.hpp"

namespace braid::detail {

int gather_outcome::prepare(request& what) noexcept {
  if (left_ == 0) return what.descriptor < 0 ? EBADF : nothing_to_do;
  name_parts(what);
  return 0;
}

// Names the next pieces; the first one may be sent in part.
void gather_outcome::name_parts(request& what) noexcept {
  const auto pieces = all_.pieces();
  std::size_t used = 0, room = most_at_once, skipped = sent_of_it_;
  for (std::size_t n = piece_; n < pieces.size() && used < parts_.size() && room != 0; ++n) {
    const std::size_t length = std::min(pieces[n].size() - skipped, room);
    if (length != 0)
      parts_[used++] = {static_cast<char*>(const_cast<void*>(pieces[n].data())) + skipped, length};
    skipped = 0;
    room -= length;
  }
  header_ = {};
  header_.msg_iov = parts_.data();
  header_.msg_iovlen = used;
  what.address = &header_;
  what.length = static_cast<std::uint32_t>(most_at_once - room);
}

bool gather_outcome::again(std::int32_t& ended, request& what) noexcept {
  if (ended <= 0) return false;
  auto moved = static_cast<std::size_t>(ended);
  left_ -= moved;
  done_ += moved;
  if (left_ == 0) return false;
  const auto pieces = all_.pieces();
  for (moved += sent_of_it_; moved >= pieces[piece_].size(); ++piece_) moved -= pieces[piece_].size();
  sent_of_it_ = moved;
  name_parts(what);
  return true;
}

result<void> gather_outcome::operator()(std::int32_t, const request& what) const {
  if (left_ == 0) return {};
  error early(make_error_code(errc::end_of_stream), name(), describe(what.descriptor));
  early.set_transferred(done_);
  return early;
}

}  // namespace braid::detail
