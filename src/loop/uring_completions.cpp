// Completions that end no operation: a part of what a request brings, a try that found the descriptor not
// ready, and a call that must be made again.

#include "uring.hpp"

#include <poll.h>

#include <cerrno>

#include "braid/loop/detail/perform.hpp"

namespace braid::detail {

namespace {

// The poll events to wait for before a request on an O_NONBLOCK descriptor is tried again.
short awaited_events(opcode code) noexcept {
  switch (code) {
    case opcode::read:
    case opcode::receive:
    case opcode::receive_message:
    case opcode::accept:
    case opcode::accept_many:
    case opcode::fill_pipe:
    case opcode::receive_many: return POLLIN;
    case opcode::write:
    case opcode::send:
    case opcode::send_message:
    case opcode::send_parts:
    case opcode::drain_pipe:
    case opcode::connect: return POLLOUT;
    default: return 0;
  }
}

// The kernel's internal codes for a call that a signal interrupted and that must be made again. They are no
// errno values, but some reach a completion.
bool is_restart_code(std::int32_t result) noexcept {
  constexpr std::int32_t restart_system_call = 512, no_interrupt = 513, no_handler = 514, restart_block = 516;
  return result == -restart_system_call || result == -no_interrupt || result == -no_handler ||
         result == -restart_block;
}

}  // namespace

bool uring_reactor::submit_poll(io_operation& operation) noexcept {
  const request& what = operation.what();
  const auto events = static_cast<std::uint32_t>(awaited_events(what.code));
  if (!write_entry(IORING_OP_POLL_ADD, {.descriptor = what.descriptor, .flags = events},
                   tag(operation) | poll_bit))
    return false;
  listed_.add(operation, what.descriptor);
  polls(operation) = true;
  return true;
}

// Takes the requests that the lane does not.
void uring_reactor::complete_specially(std::uint64_t user_data, completion ended) noexcept {
  if (user_data == no_operation) return;
  if (user_data == of_wake) {
    wake_armed_ = false;
    return;
  }
  auto& operation = *reinterpret_cast<io_operation*>(user_data & ~special);
  const bool polled = (user_data & poll_bit) != 0;
  if ((ended.flags & completion::more) != 0 && !polled) {
    ++parts_;
    return finish_in_part(operation, ended);
  }
  if ((user_data & listed_bit) != 0) listed_.remove(operation);
  if (may_block(operation) && !polled) --on_workers_;
  if (is_restart_code(ended.result)) ended.result = -EINTR;
  const opcode code = operation.what().code;
  const bool asked_to_end = ending_ || gives_up(operation);
  const bool would_block = ended.result == -EAGAIN && awaited_events(code) != 0;
  if (polled || would_block) {
    polls(operation) = false;
    if (ended.result < 0 && !would_block) {
      // the poll itself failed, or was cancelled
    } else if (asked_to_end) {
      ended.result = -ECANCELED;  // the cancel arrived between two tries and found nothing
    } else if (polled && operation.what().splices_when_ready()) {
      return splice_now(operation);
    } else {
      if (polled ? !submit_request(operation) : !submit_poll(operation)) fall_behind(operation);
      return;
    }
  }
  if (ended.result == -EINVAL && code == opcode::receive_many && receives_often_ && !asked_to_end) {
    receives_often_ = false;  // a kernel before Linux 6.0, or the request itself is wrong
    if (!submit_request(operation)) fall_behind(operation);
    return;
  }
  if (ended.result == -EINTR && asked_to_end) ended.result = -ECANCELED;  // a thread's call was interrupted
  if (ended.result == -ECANCELED && !asked_to_end) {
    // The kernel found no thread to carry it out, so it has not begun.
    if (needs_thread(code)) return send_out(operation);
    if (code != opcode::close) ended.result = -EAGAIN;
  }
  finish_request(operation, ended);
}

}  // namespace braid::detail
