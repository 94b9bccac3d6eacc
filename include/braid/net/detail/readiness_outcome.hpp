#pragma once

#include <poll.h>

#include <cstdint>
#include <system_error>

#include "braid/base/result.hpp"
#include "braid/loop/direct_calls.hpp"
#include "braid/loop/io_outcome.hpp"
#include "braid/loop/request.hpp"

namespace braid::detail {

inline constexpr char wait_readable_name[] = "wait_readable", wait_writable_name[] = "wait_writable";

template <const char* Name>
struct readiness_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return Name; }
  result<void> operator()(std::int32_t events, const request& what) const {
    if ((events & POLLNVAL) != 0)
      return error(std::make_error_code(std::errc::bad_file_descriptor), Name, describe(what.descriptor));
    return {};
  }
};

}  // namespace braid::detail
