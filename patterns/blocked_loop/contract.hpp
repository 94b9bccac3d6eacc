#pragma once

// The functions that count calls, the same for every style.

#include <memory>

#include <range/v3/numeric/accumulate.hpp>

#include <braid/braid.hpp>

#include "crew.hpp"
#include "sheet.hpp"
#include "stage/handler.hpp"

namespace blocked_loop {

using namespace braid;
using stage::handler;

// count_in(sheet, piece) computes on the calling thread and returns when it is done.
// crew::compute(f) is a future of f(), which runs on a thread of the crew.

}  // namespace blocked_loop
