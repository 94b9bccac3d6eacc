#include "pipe.hpp"

#include <limits.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "network/byte_queue.hpp"

namespace braid::sim::detail {

namespace {

constexpr std::size_t pipe_room = 64 << 10;

class pipe_end;

// What the two ends share.
struct pipe_bytes {
  [[nodiscard]] std::size_t room() const noexcept { return pipe_room - unread.size(); }
  byte_queue unread;
  pipe_end* reader = nullptr;  // null once it is closed
  pipe_end* writer = nullptr;
};

class pipe_end final : public object {
 public:
  pipe_end(std::shared_ptr<pipe_bytes> of, bool writes) : of_(std::move(of)), writes_(writes) {
    (writes ? of_->writer : of_->reader) = this;
  }
  ~pipe_end() override { leave(); }

  std::optional<std::int32_t> attempt(const request& what) override {
    switch (what.code) {
      case opcode::read: return writes_ ? -EBADF : read(what);
      case opcode::write: return writes_ ? write(what) : -EBADF;
      case opcode::poll: return poll(static_cast<short>(what.flags));
      case opcode::fsync:
      case opcode::truncate: return -EINVAL;
      default: return -ENOTSOCK;
    }
  }
  std::string describe() const override { return "pipe"; }
  void closed() noexcept override {
    pipe_end* const other = leave();
    try {
      if (other != nullptr) other->changed();
    } catch (const std::bad_alloc&) {}  // as if nobody looked
  }

 private:
  pipe_end* leave() noexcept {
    pipe_end*& own = writes_ ? of_->writer : of_->reader;
    if (own == this) own = nullptr;
    return writes_ ? of_->reader : of_->writer;
  }
  std::optional<std::int32_t> read(const request& what) {
    if (of_->unread.empty() && of_->writer != nullptr) return std::nullopt;
    const std::size_t got = of_->unread.take(what.address, what.length);
    if (of_->writer != nullptr) of_->writer->changed();
    return static_cast<std::int32_t>(got);
  }
  // At most PIPE_BUF bytes are written whole.
  std::optional<std::int32_t> write(const request& what) {
    if (of_->reader == nullptr) return -EPIPE;
    const std::size_t room = of_->room();
    if (room == 0 || (what.length <= PIPE_BUF && what.length > room)) return std::nullopt;
    const std::size_t taken = std::min<std::size_t>(room, what.length);
    of_->unread.add(static_cast<const char*>(what.address), taken);
    of_->reader->changed();
    return static_cast<std::int32_t>(taken);
  }
  std::optional<std::int32_t> poll(short wanted) const {
    int found = 0;
    if (writes_) {
      if (of_->room() >= PIPE_BUF) found |= POLLOUT;
      if (of_->reader == nullptr) found |= POLLOUT | POLLERR;
    } else {
      if (!of_->unread.empty()) found |= POLLIN;
      if (of_->writer == nullptr) found |= POLLHUP;
    }
    found &= wanted | POLLERR | POLLHUP;
    if (found == 0) return std::nullopt;
    return found;
  }

  const std::shared_ptr<pipe_bytes> of_;
  const bool writes_;
};

}  // namespace

std::pair<std::shared_ptr<object>, std::shared_ptr<object>> make_pipe() {
  const auto shared = std::make_shared<pipe_bytes>();
  return {std::make_shared<pipe_end>(shared, false), std::make_shared<pipe_end>(shared, true)};
}

}  // namespace braid::sim::detail
