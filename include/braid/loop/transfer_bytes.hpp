#pragma once

#include <cstddef>
#include <cstdint>

#include "braid/base/error.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/loop/direct_calls.hpp"
#include "braid/loop/io_sender.hpp"

namespace braid::detail {

// How much one read or write moved.
template <const char* Name, bool Receives = false>
struct some_outcome {
  using value_type = std::size_t;
  static constexpr bool receives = Receives;
  static constexpr const char* name() noexcept { return Name; }
  result<std::size_t> operator()(std::int32_t ended, const request&) const noexcept {
    return static_cast<std::size_t>(ended);
  }
  // An offset is signed in the system's calls, and the largest unsigned one means "the current position".
  [[nodiscard]] int place(const request& what) const noexcept {
    if (positioned && what.offset > std::uint64_t(INT64_MAX)) return EINVAL;
    return 0;
  }
  bool positioned = false;
};

// Goes on until the whole buffer has been moved. A read that meets the end fails: end_of_stream.
template <const char* Name, class Value, bool Receives = false>
struct whole_outcome {
  using value_type = Value;
  static constexpr bool receives = Receives;
  static constexpr const char* name() noexcept { return Name; }

  [[nodiscard]] int place(request& what) noexcept {
    if (positioned && what.offset > std::uint64_t(INT64_MAX)) return EINVAL;
    what.length = transfer_length(left);
    return 0;
  }
  [[nodiscard]] bool again(std::int32_t& ended, request& what) noexcept {
    if (ended <= 0) return false;
    const auto moved = static_cast<std::size_t>(ended);
    left -= moved;
    if (left == 0) return false;
    what.address = static_cast<std::byte*>(what.address) + moved;
    if (positioned) what.offset += moved;
    what.length = transfer_length(left);
    return true;
  }
  result<Value> operator()(std::int32_t, const request& what) const {
    if (left != 0) return error(make_error_code(errc::end_of_stream), Name, describe(what.descriptor));
    return result<Value>();
  }

  std::size_t left;
  bool positioned = false;
};

}  // namespace braid::detail
