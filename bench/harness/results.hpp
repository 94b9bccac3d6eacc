#pragma once

#include <span>
#include <string>

#include "measure.hpp"
#include "row.hpp"

namespace bench {

/// Writes host and rows to a file as JSON. Errors  std::system_error that names the file.
void write_results(const std::string& file, std::span<const row> rows, const measure_options& options);

}  // namespace bench
