#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

/// Where the numbers come from: kernel, cpu, cores, compiler, flags, what the raw ring got.
std::vector<std::pair<std::string, std::string>> describe_host();

}  // namespace bench
