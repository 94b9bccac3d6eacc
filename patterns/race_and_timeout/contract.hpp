#pragma once

// The functions that get_page calls, the same for every style.

#include <chrono>

#include <braid/braid.hpp>

#include "mirrors.hpp"
#include "stage/handler.hpp"

namespace race_and_timeout {

using namespace braid;
using stage::handler;
using std::chrono::milliseconds;

// mirrors::fetch_each() is a vector of senders of page, one for each mirror: each begins
// when someone waits for it.

}  // namespace race_and_timeout
