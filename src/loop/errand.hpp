#pragma once

#include <cstdint>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

class carried_request;

/// Sends requests to threads that may block; on its loop's thread it learns that one has come back.
class errand_sender {
 public:
  virtual void came_back(class errand& one) noexcept = 0;

 protected:
  ~errand_sender() = default;
};

/// One request on its way to such a thread and back.
///
/// Lifetime  its sender keeps it from begin until it comes back, then deletes it.
/// Cancel    end_early. What a thread is at is abandoned where it may last for ever: it touches memory and
///           descriptors of its own alone, and nobody learns how it ends.
class errand final : public list_node, public pooled, operation_base {
 public:
  using pooled::operator new, pooled::operator delete;
  /// Throws std::bad_alloc.
  errand(errand_sender& from, io_operation& operation);
  ~errand();

  /// Hands it over. Where there is no thread for it, it comes back all the same, with -EAGAIN; a close is
  /// done here.
  void begin() noexcept;
  /// It comes back in a later turn, cancelled. False when a thread is at it and it ends by itself: what a
  /// local file is asked for its data.
  [[nodiscard]] bool end_early() noexcept;

  [[nodiscard]] io_operation& operation() const noexcept { return operation_; }
  /// Once it is back.
  [[nodiscard]] std::int32_t ended() const noexcept { return ended_; }

 private:
  static void on_loop(operation_base& base, completion) noexcept;

  errand_sender& from_;
  io_operation& operation_;
  loop& home_;
  carried_request* carried_;  // null once it was withdrawn or abandoned
  std::int32_t ended_ = -EAGAIN;
};

}  // namespace braid::detail
