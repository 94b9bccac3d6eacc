#pragma once

#include <cstdint>

#include "braid/loop/io_outcome.hpp"
#include "braid/loop/request.hpp"

namespace braid::tcp::detail {

inline constexpr char read_some_name[] = "stream::read_some", read_exactly_name[] = "stream::read_exactly",
                      write_some_name[] = "stream::write_some", write_all_name[] = "stream::write_all";
struct shutdown_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return "stream::shutdown_send"; }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
};

}  // namespace braid::tcp::detail
