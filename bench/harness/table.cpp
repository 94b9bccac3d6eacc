#include "table.hpp"

#include <fmt/color.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace bench {
namespace {

bool coloured() {
  const char* const refused = std::getenv("NO_COLOR");
  return (!refused || !*refused) && ::isatty(STDOUT_FILENO) == 1;
}

fmt::text_style colour_of(double ratio) {
  if (!coloured()) return {};
  if (ratio <= 1.00) return fmt::fg(fmt::terminal_color::green) | fmt::emphasis::bold;
  if (ratio <= 1.10) return fmt::fg(fmt::terminal_color::green);
  if (ratio <= 1.50) return fmt::fg(fmt::terminal_color::yellow);
  return fmt::fg(fmt::terminal_color::red);
}

std::string nanoseconds(double ns) { return fmt::format("{:.{}f}", ns, ns < 100 ? 2 : 0); }

std::string count(std::optional<double> number) {
  if (!number) return "-";
  return fmt::format("{:.2f}", std::round(*number * 100) / 100 + 0.0);  // 0.00 instead of -0.00
}

void print_ratio(const row& r) {
  if (!r.ratio_to_raw) return fmt::print(" {:>8}", "-");
  fmt::print(" ");
  fmt::print(r.style == "raw" ? fmt::text_style{} : colour_of(*r.ratio_to_raw), "{:>8}",
             fmt::format("{:.3f}", *r.ratio_to_raw));
}

}  // namespace

void print_table(std::span<const row> rows, bool first) {
  if (first) {
    fmt::print("{:<13}{:<10}{:>11} {:>8} {:>8} {:>9} {:>8} {:>11}\n", "workload", "style", "ns/op", "of raw",
               "allocs", "syscalls", "spread", "worst ns");
  }
  std::string_view shown;
  for (const row& r : rows) {
    fmt::print("{:<13}{:<10}{:>11}", r.workload == shown ? "" : r.workload, r.style, nanoseconds(r.ns));
    print_ratio(r);
    fmt::print(" {:>8} {:>9} {:>7.1f}% {:>11}\n", count(r.allocs), count(r.syscalls), r.spread * 100,
               nanoseconds(r.ns_worst));
    shown = r.workload;
  }
  std::fflush(stdout);
}

}  // namespace bench
