#include "braid/sim/faults.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "braid/loop/bytes.hpp"

namespace braid::sim {

bool can_hit(fault what, opcode code) noexcept {
  const bool reads = code == opcode::read || code == opcode::receive;
  const bool writes = code == opcode::write || code == opcode::send || code == opcode::send_parts;
  const bool passes_datagram = code == opcode::send_message || code == opcode::receive_message;
  const bool accepts = code == opcode::accept || code == opcode::accept_many;
  const bool receives_many = code == opcode::receive_many;
  if (receives_many && (what == fault::interrupted || what == fault::no_buffers || what == fault::reset))
    return true;
  switch (what) {
    case fault::interrupted:
    case fault::would_block:
      return reads || writes || passes_datagram || code == opcode::accept || code == opcode::connect;
    case fault::short_read: return reads;
    case fault::short_write: return writes;
    case fault::io_error:
      return code == opcode::read || code == opcode::write || code == opcode::fsync ||
             code == opcode::truncate || code == opcode::read_directory;
    case fault::no_space:
      return code == opcode::write || code == opcode::open || code == opcode::make_directory;
    case fault::no_buffers:
      return code == opcode::send || code == opcode::send_parts || code == opcode::receive ||
             code == opcode::connect || accepts || passes_datagram;
    case fault::no_descriptors:
    case fault::no_system_descriptors: return code == opcode::open || code == opcode::socket || accepts;
    case fault::late: return code != opcode::cancel_descriptor && code != opcode::close;
    case fault::reset: return code == opcode::send || code == opcode::send_parts || code == opcode::receive;
    case fault::refused: return code == opcode::connect;
    case fault::lost:
    case fault::duplicated:
    case fault::delayed: return code == opcode::send_message;
  }
  return false;
}

std::uint32_t shorter(std::uint32_t length, choices& from) {
  if (length <= 1) return length;
  const std::size_t most = from.among(2) == 0 ? std::min<std::size_t>(length - 1, 16) : length - 1;
  return 1 + static_cast<std::uint32_t>(from.among(most));
}

request first_part_of(const request& what) noexcept {
  if (what.code != opcode::send_parts) return what;
  const auto& message = *static_cast<const msghdr*>(what.address);
  request first{.code = opcode::send, .descriptor = what.descriptor, .flags = what.flags};
  for (std::size_t n = 0; n < message.msg_iovlen && first.length == 0; ++n) {
    first.address = message.msg_iov[n].iov_base;
    first.length = transfer_length(message.msg_iov[n].iov_len);
  }
  return first;
}

std::int32_t result_of(fault what) noexcept {
  switch (what) {
    case fault::interrupted: return -EINTR;
    case fault::io_error: return -EIO;
    case fault::no_space: return -ENOSPC;
    case fault::no_buffers: return -ENOBUFS;
    case fault::no_descriptors: return -EMFILE;
    case fault::no_system_descriptors: return -ENFILE;
    case fault::reset: return -ECONNRESET;
    case fault::refused: return -ECONNREFUSED;
    case fault::would_block:
    case fault::short_read:
    case fault::short_write:
    case fault::late:
    case fault::lost:
    case fault::duplicated:
    case fault::delayed: break;
  }
  return 0;
}

const char* name_of(fault what) noexcept {
  switch (what) {
    case fault::interrupted: return "interrupted";
    case fault::would_block: return "would_block";
    case fault::short_read: return "short_read";
    case fault::short_write: return "short_write";
    case fault::io_error: return "io_error";
    case fault::no_space: return "no_space";
    case fault::no_buffers: return "no_buffers";
    case fault::no_descriptors: return "no_descriptors";
    case fault::no_system_descriptors: return "no_system_descriptors";
    case fault::late: return "late";
    case fault::reset: return "reset";
    case fault::refused: return "refused";
    case fault::lost: return "lost";
    case fault::duplicated: return "duplicated";
    case fault::delayed: return "delayed";
  }
  return "unknown";
}

void fault_schedule::add(fault_rule rule) {
  if (!(rule.probability >= 0 && rule.probability <= 1))
    throw std::invalid_argument("fault_schedule: a probability must be from 0 to 1");
  if (rule.delay < loop_clock::duration::zero())
    throw std::invalid_argument("fault_schedule: a delay must not be negative");
  rules_.push_back({std::move(rule)});
}

std::optional<fault_schedule::hit> fault_schedule::next(const request& what, const std::string& host,
                                                        choices& from) {
  std::optional<hit> found;
  for (counted& each : rules_) {
    const fault_rule& rule = each.rule;
    if (!can_hit(rule.what, what.code)) continue;
    const bool only_opens = what.code == opcode::open && (what.flags & O_CREAT) == 0;
    if (rule.what == fault::no_space && only_opens) continue;
    if (rule.only && *rule.only != what.code) continue;
    if (!rule.host.empty() && rule.host != host) continue;
    ++each.seen;
    if (found) continue;
    if (rule.nth != 0 ? rule.nth == each.seen : from.happens(rule.probability))
      found = {rule.what, rule.delay};
  }
  if (found) ++happened_;
  return found;
}

}  // namespace braid::sim
