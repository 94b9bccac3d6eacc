#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "braid/base/error.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/loop/direct_calls.hpp"
#include "braid/loop/file_traits.hpp"
#include "braid/loop/io_sender.hpp"

namespace braid::detail {

// A transfer with an empty buffer makes no system call: the call might wait for the peer first.
[[nodiscard]] inline int prepare_transfer(const request& what, bool positioned) noexcept {
  // Offsets are signed in system calls, and the largest unsigned one means "the current position".
  if (positioned && what.offset > std::uint64_t(INT64_MAX)) return EINVAL;
  if (what.length == 0) [[unlikely]]
    return what.descriptor < 0 ? EBADF : nothing_to_do;
  return 0;
}

// Adds may_block to an outcome whose write may go to a pipe without a reader or a terminal without room.
template <class Outcome>
struct of_any_file : Outcome {
  static constexpr io_hooks hooks = [] {
    io_hooks all = Outcome::hooks;
    all.may_block = true;
    return all;
  }();
  [[nodiscard]] bool may_block(const request& what) const noexcept {
    return what.code == opcode::write && (traits.is_terminal || traits.may_signal);
  }
  file_traits traits;
};

// Adds takes_turns as well: the request waits for its turn at the file.
template <class Outcome>
struct in_turn : of_any_file<Outcome> {
  static constexpr io_hooks hooks = [] {
    io_hooks all = of_any_file<Outcome>::hooks;
    all.takes_turns = true;
    return all;
  }();
};

// For reads: asks the page cache first, where the file has one. With O_DIRECT a read waits for the device,
// whatever its flags.
template <class Outcome>
struct perhaps_cached : Outcome {
  static constexpr io_hooks hooks = [] {
    io_hooks all = Outcome::hooks;
    all.may_be_cached = true;
    return all;
  }();
  [[nodiscard]] bool may_be_cached() const noexcept {
    return this->traits.has_position && !this->traits.unbuffered;
  }
};

// The outcome of one read or write: how many bytes it moved.
template <const char* Name, bool Receives = false>
struct some_outcome {
  using value_type = std::size_t;
  static constexpr io_hooks hooks{.prepare = true, .receives = Receives};
  static constexpr const char* name() noexcept { return Name; }
  result<std::size_t> operator()(std::int32_t ended, const request&) const noexcept {
    return static_cast<std::size_t>(ended);
  }
  [[nodiscard]] int prepare(const request& what) const noexcept { return prepare_transfer(what, positioned); }
  bool positioned = false;
};

// Submits again until the whole buffer has been moved. A read that reaches the end fails as end_of_stream.
template <const char* Name, class Value, bool Receives = false>
struct whole_outcome {
  using value_type = Value;
  static constexpr io_hooks hooks{.prepare = true, .again = true, .transferred = true, .receives = Receives};
  static constexpr const char* name() noexcept { return Name; }

  [[nodiscard]] int prepare(request& what) noexcept {
    what.length = transfer_length(left);
    return prepare_transfer(what, positioned);
  }
  [[nodiscard]] bool again(std::int32_t& ended, request& what) noexcept {
    if (ended <= 0) return false;
    const auto moved = static_cast<std::size_t>(ended);
    left -= moved;
    done += moved;
    if (left == 0) return false;
    what.address = static_cast<std::byte*>(what.address) + moved;
    if (positioned) what.offset += moved;
    what.length = transfer_length(left);
    return true;
  }
  result<Value> operator()(std::int32_t, const request& what) const {
    if (left == 0) return result<Value>();
    error early(make_error_code(errc::end_of_stream), Name, describe(what.descriptor));
    early.set_transferred(done);
    return early;
  }
  [[nodiscard]] std::size_t transferred() const noexcept { return done; }

  std::size_t left;
  std::size_t done = 0;
  bool positioned = false;
};

}  // namespace braid::detail
