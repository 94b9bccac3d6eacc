#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/loop/detail/blocking_pool.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

/// A request that a thread of the blocking pool carries out. It has copies of the request's paths, addresses
/// and descriptor, and of its buffer unless the file is local, so that it can be abandoned.
///
/// Lifetime  made on a loop's thread, which deletes it once `back` has been delivered or it was withdrawn. An
///           abandoned one deletes itself.
class carried_request final : public blocking_job, public pooled {
 public:
  using pooled::operator new, pooled::operator delete;
  /// Delivers `back` to the loop when the request has ended. Throws std::bad_alloc.
  carried_request(const request& what, loop& home, operation_base& back);

  /// On the loop's thread, once `back` was delivered: copies its data to the request's buffer, and returns
  /// the result.
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
  request own_;  // the same request on the copies
  loop& home_;
  operation_base& back_;
  std::string path_, other_path_;  // path_ may hold a socket address instead
  std::unique_ptr<char[]> buffer_;
  std::int32_t ended_ = 0;  // written by the thread
};

}  // namespace braid::detail
