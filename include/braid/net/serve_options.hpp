#pragma once

#include <cstddef>

#include "braid/base/error.hpp"
#include "braid/base/unique_function.hpp"

namespace braid {

/// How tcp::serve and unix_domain::serve treat connections and errors.
///
///     serve_options few;
///     few.at_most = 100;
///     few.on_error = [](const error& why) { log(why.message()); };
struct serve_options {
  std::size_t at_most = 10'000;  ///< connections at a time; the others wait, most of them in the backlog
  /// Gets the failures of handlers, and the reason of a pause. By default they are printed to standard error,
  /// with their stacks, since a server should survive them.
  unique_function<void(const error&)> on_error{};
};

}  // namespace braid
