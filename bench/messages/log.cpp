// Synced appends of a messaging::log beside one write and one fdatasync each, on the same file system, in
// turn within each round: messages_log DIRECTORY [ROUNDS] [RECORD_BYTES]. Prints a table of medians.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/loop/loop.hpp"
#include "braid/messaging/log.hpp"
#include "braid/style/task.hpp"

namespace {

using namespace braid;

constexpr auto time_of_one = std::chrono::milliseconds(200);
constexpr int appenders[] = {1, 16, 256};

struct measured {
  double a_second = 0;
  double a_sync = 0;  // appends that shared one
};

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point begun) {
  return std::chrono::duration<double>(clock_type::now() - begun).count();
}

void require(bool holds) {
  if (!holds) throw std::runtime_error("messages_log: a system call has failed");
}

measured raw(const std::filesystem::path& path, const std::string& bytes) {
  const int to = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  require(to >= 0);
  std::uint64_t count = 0;
  const auto begun = clock_type::now();
  while (clock_type::now() - begun < time_of_one) {
    const auto at = static_cast<off_t>(count * bytes.size());
    require(::pwrite(to, bytes.data(), bytes.size(), at) == static_cast<ssize_t>(bytes.size()));
    require(::fdatasync(to) == 0);
    ++count;
  }
  const double took = seconds_since(begun);
  ::close(to);
  return {static_cast<double>(count) / took, 1};
}

task<> append_until(messaging::log& to, const std::string& bytes, clock_type::time_point end) {
  std::uint64_t last = 0;
  while (clock_type::now() < end) last = co_await to.append(bytes);
  if (last > to.durable()) throw std::runtime_error("messages_log: an append was not durable");
}

measured with_log(const std::filesystem::path& directory, const std::string& bytes, int count) {
  loop here;
  messaging::log to = here.run(messaging::log::open(directory));
  here.run(to.append(bytes));  // makes the file
  const messaging::log_metrics before = to.metrics();
  const auto begun = clock_type::now();
  std::vector<task<>> all;
  for (int i = 0; i != count; ++i) all.push_back(append_until(to, bytes, begun + time_of_one));
  here.run(when_all(std::move(all)));
  const double took = seconds_since(begun);
  const auto done = static_cast<double>(to.metrics().appends - before.appends);
  const auto syncs = static_cast<double>(to.metrics().syncs - before.syncs);
  here.run(to.close());
  return {done / took, done / syncs};
}

double median(std::vector<double> of) {
  std::ranges::nth_element(of, of.begin() + std::ssize(of) / 2);
  return of[of.size() / 2];
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return std::fprintf(stderr, "messages_log DIRECTORY [ROUNDS] [RECORD_BYTES]\n"), 2;
  const std::filesystem::path folder = std::filesystem::path(arguments[1]) / "messages_log.tmp";
  const int rounds = count > 2 ? std::atoi(arguments[2]) : 15;
  const std::string body(count > 3 ? std::strtoul(arguments[3], nullptr, 10) : 100, 'x');
  const std::string whole((body.size() + 7) / 8 * 8 + 32,
                          'x');  // as many bytes as a record takes in the file
  std::vector<double> of_raw;
  std::vector<double> rates[std::size(appenders)], ratios[std::size(appenders)], shared[std::size(appenders)];
  for (int round = 0; round < rounds; ++round) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    const double alone = raw(folder / "raw", whole).a_second;
    of_raw.push_back(alone);
    for (std::size_t i = 0; i != std::size(appenders); ++i) {
      const measured found = with_log(folder / std::to_string(appenders[i]), body, appenders[i]);
      rates[i].push_back(found.a_second);
      ratios[i].push_back(found.a_second / alone);
      shared[i].push_back(found.a_sync);
    }
  }
  std::filesystem::remove_all(folder);
  std::printf("| %zu bytes | synced a second | to raw | appends a sync |\n|---|---|---|---|\n", body.size());
  std::printf("| raw: one write, one fdatasync | %.0f | 1 | 1 |\n", median(of_raw));
  for (std::size_t i = 0; i != std::size(appenders); ++i)
    std::printf("| log, %d appenders | %.0f | %.2f | %.1f |\n", appenders[i], median(rates[i]),
                median(ratios[i]), median(shared[i]));
  return 0;
}
