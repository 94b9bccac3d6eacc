#pragma once

#include <cstdint>

#include "braid/loop/operation.hpp"
#include "braid/loop/request.hpp"

namespace braid {

/// Has somebody asked that an operation end? It is not tried again then. Due: its reactor has not passed that
/// on yet.
enum class cancel_request : std::uint8_t { none, made, due };

/// An operation that is one request to the reactor.
/// Lifetime  the request is kept by the class that derives from this, for as long.
class io_operation : public operation_base {
 public:
  /// What it asks for.
  [[nodiscard]] const request& what() const noexcept { return *request_; }

 protected:
  io_operation(finish_fn& finish, const request& what) noexcept : operation_base(finish), request_(&what) {}

 private:
  friend class reactor;  // writes what follows
  friend class detail::operation_context;
  friend class detail::operations_of;
  bool polls_ = false;  // the reactor waits for the descriptor to become ready before it tries again
  cancel_request cancel_ = cancel_request::none;
  bool may_block_ = false;  // even where its descriptor is ready: not on the loop's thread
  std::int16_t errno_;  // that it ends with, while it is in the reactor's queue of those that end
  const request* const request_;
  operation_base** before_;  // what points to it, a list's head or a next_, while it is in an operations_of
};
static_assert(sizeof(io_operation) == 40);

}  // namespace braid
