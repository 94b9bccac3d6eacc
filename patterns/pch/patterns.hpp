// Included by every version of a pattern and compiled once a pattern: parsing it takes most of a small one's
// time.

#include <braid/braid.hpp>

#include <string>
#include <vector>
