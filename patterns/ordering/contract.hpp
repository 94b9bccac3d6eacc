#pragma once

// What read_aloud calls: the same for every style.

#include <braid/braid.hpp>

#include "book.hpp"
#include "stage/handler.hpp"

namespace ordering {

using namespace braid;
using stage::handler;

/// Who listens; what was said is told to the story.
using listener = stage::story;

// book::fetch(number) is a sender of page: nothing happens before someone waits.
// book::pages are the numbers of the three pages, 1, 2, 3.

}  // namespace ordering
