#pragma once

// The functions that answer calls, the same for every style and for both reactors.

#include <braid/braid.hpp>

#include "shelf.hpp"
#include "stage/handler.hpp"
#include "visitors.hpp"

namespace readiness_vs_completion {

using namespace braid;
using stage::handler;

/// One visitor at the desk, with the buffers for one question and its answer.
struct visit {
  tcp::stream visitor;
  const shelf& from;
  question asked{};
  piece found{};
};

// stream::read_exactly, shelf::read and stream::write_all are senders: the first and the
// last use the network, the second the disk.

}  // namespace readiness_vs_completion
