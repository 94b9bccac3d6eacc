#pragma once

// The functions that withdraw calls, the same for every style.

#include <optional>

#include <braid/braid.hpp>

#include "account.hpp"
#include "stage/handler.hpp"

namespace lost_update {

using namespace braid;
using stage::handler;
using turn = mutex::scoped_lock;

// account::read() and write(cents) are plain calls; bank::approve(cents) is a sender of
// void, over the network. withdraw returns what is left.

}  // namespace lost_update
