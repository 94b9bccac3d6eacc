#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

/// The origin of the numbers: kernel, cpu, cores, compiler, flags, and the features that the raw ring got.
std::vector<std::pair<std::string, std::string>> describe_host();

}  // namespace bench
