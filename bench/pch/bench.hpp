// The headers that most workloads include, compiled once: parsing them is two thirds of the time of a small
// one.

#include <braid/braid.hpp>

#include <cstdint>
#include <string>
#include <vector>
