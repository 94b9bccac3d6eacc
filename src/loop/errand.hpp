#pragma once

#include <cstdint>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

class carried_request;

/// A reactor that gives requests to the blocking pool. on_errand_finished runs on its loop's thread.
class errand_sender {
 public:
  virtual void on_errand_finished(class errand& one) noexcept = 0;

 protected:
  ~errand_sender() = default;
};

/// One request on its way to a thread of the blocking pool and back.
///
/// Lifetime  its errand_sender keeps it from begin until on_errand_finished, then deletes it.
/// Cancel    end_early. A request that a thread carries out is abandoned if it may take unlimited time. It
///           then touches only memory and descriptors of its own, and its result is dropped.
class errand final : public list_node, public pooled, operation_base {
 public:
  using pooled::operator new, pooled::operator delete;
  /// Throws std::bad_alloc.
  errand(errand_sender& from, io_operation& operation);
  ~errand();

  /// Gives it to the blocking pool. Without a thread for it, it finishes with -EAGAIN; a close is carried out
  /// here instead.
  void begin() noexcept;
  /// Makes it finish in a later turn, as cancelled. False when a thread carries it out and it will end
  /// soon, as with the data of a local file.
  [[nodiscard]] bool end_early() noexcept;

  [[nodiscard]] io_operation& operation() const noexcept { return operation_; }
  /// Its result, once it has finished.
  [[nodiscard]] std::int32_t ended() const noexcept { return ended_; }

 private:
  static void on_loop(operation_base& base, completion) noexcept;

  errand_sender& from_;
  io_operation& operation_;
  loop& home_;
  carried_request* carried_;  // null once withdrawn or abandoned
  std::int32_t ended_ = -EAGAIN;
};

}  // namespace braid::detail
