#pragma once

#include <string>
#include <vector>

#include "braid/loop/loop.hpp"

namespace braid_tests {

struct reported_messages {
  std::vector<std::string> reported;
};

/// A loop that keeps the messages of the errors that it reports.
struct recording_loop : reported_messages, braid::loop {
  recording_loop() {
    on_unhandled_error([this](const braid::error& why) { reported.push_back(why.message()); });
  }
};

}  // namespace braid_tests
