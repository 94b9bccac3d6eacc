#pragma once

#include <cstdint>

#include "braid/loop/operation.hpp"
#include "braid/loop/request.hpp"

namespace braid {

/// Was the operation's cancellation requested? Then the reactor does not try its request again. `due`: it was
/// requested, but the cancellation is not submitted to the kernel yet.
///
///     static_assert(cancel_request{} == cancel_request::none);
enum class cancel_request : std::uint8_t { none, made, due };

/// An operation that is one request to the reactor.
///
///     class flush : public io_operation {
///      public:
///       explicit flush(int number)
///           : io_operation(on_finish, what_), what_{.code = opcode::fsync, .descriptor = number} {}
///
///      private:
///       static void on_finish(operation_base& base, completion ended) {
///         use(static_cast<flush&>(base).what().descriptor, ended.result);
///       }
///       const request what_;
///     };
///     flush disk(3);
///     loop::current().operations().submit(disk);  // disk must stay until on_finish
///
/// Lifetime  the derived class keeps the request alive as long as the operation.
class io_operation : public operation_base {
 public:
  /// Its request.
  [[nodiscard]] const request& what() const noexcept { return *request_; }

 protected:
  /// finish is called with each completion of the request `what`.
  io_operation(finish_fn& finish, const request& what) noexcept : operation_base(finish), request_(&what) {}

 private:
  friend class reactor;  // writes what follows
  friend class operation_context;
  friend class detail::operations_of;
  bool polls_ = false;  // the reactor waits for the descriptor to become ready before it tries again
  cancel_request cancel_ = cancel_request::none;
  bool may_block_ = false;  // even when its descriptor is ready, so the loop's thread must not carry it out
  std::int16_t errno_;  // the errno it ends with, while it is in the reactor's queue of failed operations
  const request* const request_;
  operation_base** before_;  // the pointer to it in an operations_of: a list's head or another's next_
};
static_assert(sizeof(io_operation) == 40);

}  // namespace braid
