#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/result.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/loop/detail/transfer_bytes.hpp"
#include "braid/loop/io_sender.hpp"
#include "braid/net/copy_progress.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"

namespace braid::detail {

// A stream between which and a pipe the kernel can move bytes, as they are. It names itself, so that a class
// derived from it, which may change the bytes on their way, is none.
template <class S>
concept splices = requires { typename S::splices; } && std::same_as<typename S::splices, std::remove_cv_t<S>>;

// The pipe through which copy moves bytes within the kernel.
class splice_pipe {
 public:
  static constexpr int most = 256 << 10;  // bytes in it at a time
  // A copy begins to use it after so many whole buffers in a row. Fewer bytes are copied faster than they are
  // spliced, and an idle connection needs no pipe.
  static constexpr int worth_it_after = 4;

  // Makes it, the first time. False when there is none, or the kernel has refused to splice.
  [[nodiscard]] bool open() noexcept;
  // Has the kernel refused to splice these two, rather than failed to?
  [[nodiscard]] static bool is_refusal(const error& why) noexcept;
  void refused() noexcept { refused_ = true; }

  [[nodiscard]] int reader() const noexcept { return reader_.number(); }
  [[nodiscard]] int writer() const noexcept { return writer_.number(); }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  // For what is in the pipe when the writer has refused it.
  [[nodiscard]] auto read_some(std::span<char> to) const noexcept {
    return io_sender<some_outcome<name>>{{.code = opcode::read,
                                          .descriptor = reader(),
                                          .address = to.data(),
                                          .offset = request::current_position,
                                          .length = transfer_length(to.size())},
                                         {}};
  }

 private:
  static constexpr char name[] = "copy";
  descriptor reader_, writer_;
  std::uint32_t size_ = 0;
  bool refused_ = false;
};

[[noreturn]] void fail_copy(const error& why, const copy_progress& so_far);

// The bytes that the kernel does not move on: `left` of them are in the pipe.
template <class To>
task<> empty_pipe(const splice_pipe& from, To& to, std::size_t left, std::span<char> room,
                  copy_progress& so_far) {
  while (left != 0) {
    auto reading = as_result(from.read_some(room.first(left < room.size() ? left : room.size())));
    const result<std::size_t> got = co_await std::move(reading);
    if (!got) fail_copy(got.error(), so_far);
    left -= *got;
    auto writing = as_result(to.write_all(room.first(*got)));
    const result<void> ended = co_await std::move(writing);
    so_far.written += ended ? *got : ended.error().transferred();
    if (!ended) fail_copy(ended.error(), so_far);
  }
}

// Copies within the kernel as long as it takes that and much comes at a time. True at the end of `from`.
template <class From, class To>
task<bool> copy_by_splicing(From& from, To& to, splice_pipe& by, std::span<char> room,
                            copy_progress& so_far) {
  for (;;) {
    auto filling = as_result(from.fill_pipe(by.writer(), by.size()));
    const result<std::size_t> got = co_await std::move(filling);
    if (!got && splice_pipe::is_refusal(got.error())) {
      by.refused();
      co_return false;
    }
    if (!got) fail_copy(got.error(), so_far);
    if (*got == 0) co_return true;
    so_far.read += *got;
    for (std::size_t left = *got; left != 0;) {
      auto draining = as_result(to.drain_pipe(by.reader(), static_cast<std::uint32_t>(left)));
      const result<std::size_t> gone = co_await std::move(draining);
      if (gone ? *gone == 0 : splice_pipe::is_refusal(gone.error())) {
        by.refused();
        auto emptying = empty_pipe(by, to, left, room, so_far);
        co_await std::move(emptying);
        co_return false;
      }
      if (!gone) fail_copy(gone.error(), so_far);
      left -= *gone;
      so_far.written += *gone;
    }
    if (*got < room.size()) co_return false;
  }
}

}  // namespace braid::detail
