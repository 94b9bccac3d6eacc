#pragma once

#include <vector>

namespace bench {

/// The value below which the fraction p of the samples lies, interpolated. Samples must not be empty.
double quantile(std::vector<double> samples, double p);

inline double median(const std::vector<double>& samples) { return quantile(samples, 0.5); }

/// The distance between the quartiles as a fraction of the median: how far to trust the median.
double spread(const std::vector<double>& samples);

}  // namespace bench
