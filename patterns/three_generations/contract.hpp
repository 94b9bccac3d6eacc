#pragma once

// The functions that show calls, the same for every style.

#include <filesystem>
#include <string>

#include <braid/braid.hpp>

#include "stage/handler.hpp"
#include "stage/story.hpp"

namespace three_generations {

using namespace braid;
using stage::handler;
using std::filesystem::path;

/// The output of show, which also records the order.
using printer = stage::story;

// read_file(file) is the library's own: a sender of the whole contents.

}  // namespace three_generations
