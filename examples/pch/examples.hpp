// All samples include this. It is compiled once, since parsing it takes most of the time of a sample.

#include <braid/braid.hpp>
