#pragma once

// What load calls: the same for every style.

#include <string>

#include <braid/braid.hpp>

#include "settings.hpp"
#include "stage/handler.hpp"

namespace error_boundaries {

using namespace braid;
using stage::handler;
using found = any_result<std::string>;  // which file, and its text

// places::read_each() is a vector of senders of text, one for each file; a file that is
// missing is an error. parse(text) throws when it cannot.

/// To be stopped is no failure: who asked for it is told, and the log is not.
[[nodiscard]] inline bool was_stopped(const error& why) noexcept {
  return why == std::errc::operation_canceled;
}

}  // namespace error_boundaries
