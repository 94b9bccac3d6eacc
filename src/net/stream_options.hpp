#pragma once

#include "braid/net/stream_options.hpp"
#include "socket_options.hpp"

namespace braid::detail {

void set_stream_options(option_setter& options, const tcp::stream_options& how) noexcept;

}  // namespace braid::detail
