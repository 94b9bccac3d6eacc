#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/loop/detail/blocking_pool.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

/// A request as a thread of the blocking pool carries it out. Its paths, addresses and descriptor are copies,
/// and so is a buffer that it transfers, unless a local file has it: the thread can be abandoned at it.
///
/// Lifetime  made on a loop's thread, which deletes it once `back` has come or it was withdrawn. An abandoned
///           one deletes itself.
class carried_request final : public blocking_job, public pooled {
 public:
  using pooled::operator new, pooled::operator delete;
  /// `back` is delivered to the loop when it has ended. Throws std::bad_alloc.
  carried_request(const request& what, loop& home, operation_base& back);

  /// On the loop's thread, once it is back: moves what it has filled to where the request wants it, and says
  /// how it ended.
  [[nodiscard]] std::int32_t result() noexcept;

 private:
  static void on_thread(blocking_job& job) noexcept;
  [[nodiscard]] std::int32_t carry_out_any();
  [[nodiscard]] std::int32_t carry_out_path();
  [[nodiscard]] std::int32_t carry_out_descriptor();
  [[nodiscard]] std::int32_t carry_out_held() noexcept;
  [[nodiscard]] bool copy_descriptor() noexcept;
  [[nodiscard]] bool make_buffer();

  const request asked_;
  request own_;  // the same with copies
  loop& home_;
  operation_base& back_;
  std::string path_, other_path_;  // or another address
  std::unique_ptr<char[]> buffer_;
  std::int32_t ended_ = 0;  // written by the thread
};

}  // namespace braid::detail
