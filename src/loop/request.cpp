#include "braid/loop/request.hpp"

namespace braid {

const char* name_of(opcode code) noexcept {
  switch (code) {
    case opcode::nop: return "nop";
    case opcode::read: return "read";
    case opcode::write: return "write";
    case opcode::fsync: return "fsync";
    case opcode::truncate: return "truncate";
    case opcode::open: return "open";
    case opcode::status: return "status";
    case opcode::close: return "close";
    case opcode::accept: return "accept";
    case opcode::connect: return "connect";
    case opcode::send: return "send";
    case opcode::receive: return "receive";
    case opcode::shutdown: return "shutdown";
    case opcode::socket: return "socket";
    case opcode::poll: return "poll";
    case opcode::rename: return "rename";
    case opcode::unlink: return "unlink";
    case opcode::make_directory: return "make_directory";
    case opcode::cancel_descriptor: return "cancel_descriptor";
    case opcode::accept_many: return "accept_many";
    case opcode::send_message: return "send_message";
    case opcode::receive_message: return "receive_message";
    case opcode::receive_many: return "receive_many";
    case opcode::send_parts: return "send_parts";
    case opcode::read_directory: return "read_directory";
    case opcode::change_mode: return "change_mode";
    case opcode::fill_pipe: return "fill_pipe";
    case opcode::drain_pipe: return "drain_pipe";
    case opcode::try_lock: return "try_lock";
    case opcode::count_: break;
  }
  return "unknown";
}

}  // namespace braid
