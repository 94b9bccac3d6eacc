#pragma once

// The functions that read_aloud calls, the same for every style.

#include <braid/braid.hpp>

#include "book.hpp"
#include "stage/handler.hpp"

namespace ordering {

using namespace braid;
using stage::handler;

/// The listener: the story records what was read to it.
using listener = stage::story;

// book::fetch(number) is a sender of page: it begins when someone waits for it.
// book::pages are the numbers of the three pages, 1, 2, 3.

}  // namespace ordering
