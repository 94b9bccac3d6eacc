#include "results.hpp"

#include <cerrno>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "host.hpp"

namespace bench {
namespace {

using json = nlohmann::ordered_json;

double rounded(double value) { return std::round(value * 1000) / 1000; }

json or_null(std::optional<double> value) { return value ? json(rounded(*value)) : json(nullptr); }

json to_json(const row& r) {
  return {{"workload", r.workload},      {"style", r.style},
          {"ns", rounded(r.ns)},         {"ratio_to_raw", or_null(r.ratio_to_raw)},
          {"allocs", or_null(r.allocs)}, {"syscalls", or_null(r.syscalls)},
          {"spread", rounded(r.spread)}, {"ns_worst", rounded(r.ns_worst)}};
}

}  // namespace

void write_results(const std::string& file, std::span<const row> rows, const measure_options& options) {
  json all{{"host", json::object()}, {"rows", json::array()}};
  for (const auto& [key, value] : describe_host()) all["host"][key] = value;
  all["host"]["rounds"] = options.rounds;
  all["host"]["round_ms"] = static_cast<double>(options.round_time.count()) / 1e6;
  for (const row& r : rows) all["rows"].push_back(to_json(r));

  std::ofstream out(file);
  out << all.dump(2) << '\n';
  if (!out.flush()) throw std::system_error(errno, std::generic_category(), "write " + file);
}

}  // namespace bench
