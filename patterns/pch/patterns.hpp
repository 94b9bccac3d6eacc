// What every version of a pattern includes, compiled once a pattern: parsing it takes two thirds of a small one's time.

#include <braid/braid.hpp>

#include <string>
#include <vector>
