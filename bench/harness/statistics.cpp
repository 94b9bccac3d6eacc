#include "statistics.hpp"

#include <algorithm>
#include <cstddef>

namespace bench {

double quantile(std::vector<double> samples, double p) {
  std::ranges::sort(samples);
  const double position = p * static_cast<double>(samples.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, samples.size() - 1);
  return samples[below] + (position - static_cast<double>(below)) * (samples[above] - samples[below]);
}

double spread(const std::vector<double>& samples) {
  return (quantile(samples, 0.75) - quantile(samples, 0.25)) / median(samples);
}

}  // namespace bench
