#pragma once

// The functions that fetch_all calls, the same for every style.

#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>

#include <braid/braid.hpp>

#include "archive.hpp"
#include "stage/handler.hpp"

namespace bounded_concurrency {

using namespace braid;
using stage::handler;
namespace views = ranges::views;

using title = std::string;
using titles = std::vector<title>;
using permit = semaphore::permit;

// archive::fetch(number) is a sender of title: it begins when someone waits for it.

}  // namespace bounded_concurrency
