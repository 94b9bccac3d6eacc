// Every version of a pattern includes this. It is compiled once for each pattern, since parsing it takes most
// of the time of a small version.

#include <braid/braid.hpp>

#include <string>
#include <vector>
