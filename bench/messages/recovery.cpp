// How long a log takes to open again after its process was killed: messages_recovery DIRECTORY [RECORDS]
// [RECORD_BYTES]. Prints a table, with the time to read all records beside it.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/loop/loop.hpp"
#include "braid/messaging/log.hpp"
#include "braid/style/task.hpp"

namespace {

using namespace braid;
using messaging::durability;
using messaging::log_options;

using clock_type = std::chrono::steady_clock;

double ms_since(clock_type::time_point begun) {
  return std::chrono::duration<double, std::milli>(clock_type::now() - begun).count();
}

task<> append_up_to(messaging::log& to, const std::string& bytes, std::uint64_t most) {
  for (std::uint64_t last = 0; last < most;) last = co_await to.append(bytes, durability::written);
}

// As a process leaves it that is killed: without a mark at its end.
void fill(const std::filesystem::path& directory, const log_options& how, std::uint64_t count,
          const std::string& bytes) {
  loop here;
  messaging::log to = here.run(messaging::log::open(directory, how));
  std::vector<task<>> all;
  for (int i = 0; i != 256; ++i) all.push_back(append_up_to(to, bytes, count));
  here.run(when_all(std::move(all)));
}

task<std::uint64_t> count_of(const messaging::log& from) {
  std::uint64_t count = 0;
  auto all = from.read(1);
  for (;;) {
    const auto each = co_await all.next();
    if (!each) break;
    if (!*each) each->error().rethrow();
    ++count;
  }
  co_return count;
}

void measure(const std::filesystem::path& directory, const log_options& how, std::uint64_t count,
             const std::string& bytes) {
  std::filesystem::remove_all(directory);
  fill(directory, how, count, bytes);
  loop here;
  double times[2] = {};  // after a kill; then with nothing to mend
  for (double& each : times) {
    const auto begun = clock_type::now();
    messaging::log opened = here.run(messaging::log::open(directory, how));
    each = ms_since(begun);
    if (opened.last() < count) throw std::runtime_error("messages_recovery: records are missing");
    here.run(opened.close());
  }
  messaging::log opened = here.run(messaging::log::open(directory, how));
  const auto begun = clock_type::now();
  const std::uint64_t found = here.run(count_of(opened));
  const double read = ms_since(begun);
  if (found != opened.last()) throw std::runtime_error("messages_recovery: records are missing");
  std::printf("| %zu | %.0f | %.0f | %.0f |\n", opened.segments().size(), times[0], times[1], read);
  std::filesystem::remove_all(directory);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return std::fprintf(stderr, "messages_recovery DIRECTORY [RECORDS] [RECORD_BYTES]\n"), 2;
  const std::filesystem::path folder = std::filesystem::path(arguments[1]) / "messages_recovery.tmp";
  const std::uint64_t records = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1'000'000;
  const std::string body(count > 3 ? std::strtoul(arguments[3], nullptr, 10) : 100, 'x');
  std::printf(
      "%llu records of %zu bytes\n\n| files | open after a kill, ms | open after close, ms | read all, ms |\n"
      "|---|---|---|---|\n",
      static_cast<unsigned long long>(records), body.size());
  measure(folder, {}, records, body);
  measure(folder, {.segment_bytes = std::uint64_t{1} << 40}, records, body);  // all is in the last file
  return 0;
}
