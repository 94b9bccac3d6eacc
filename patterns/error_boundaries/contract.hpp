#pragma once

// The functions that load calls, the same for every style.

#include <string>

#include <braid/braid.hpp>

#include "settings.hpp"
#include "stage/handler.hpp"

namespace error_boundaries {

using namespace braid;
using stage::handler;
using found = any_result<std::string>;  // the index of the file, and its text

// places::read_each() is a vector of senders of text, one for each file; a missing file
// is an error. parse(text) throws when it cannot parse.

/// A stop is no failure: the requester gets it, and the log does not.
[[nodiscard]] inline bool was_stopped(const error& why) noexcept {
  return why == std::errc::operation_canceled;
}

}  // namespace error_boundaries
