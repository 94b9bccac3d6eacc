#include <fmt/format.h>

#include "stage/cost.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "versions.hpp"

using namespace bounded_concurrency;

namespace {

constexpr unsigned jobs = 100;

std::vector<std::string> row(stage::style how, bound by, unsigned limit, std::chrono::milliseconds delay) {
  head_count asked;
  const stage::line_service service(titles_once(
      [delay](unsigned) -> braid::task<> { co_await braid::sleep_for(delay); }, asked));
  const archive from(service.address());
  braid::loop loop;
  const stage::cost cost = stage::measure([&] { (void)fetch_all(how, by, from, jobs, limit); });
  return {std::string(name_of(how)), std::string(name_of(by)), std::to_string(limit),
          std::to_string(asked.most()), cost.elapsed_text(), cost.allocations_text()};
}

}  // namespace

int main(int argc, char** argv) {
  stage::program program("bounded_concurrency", "A hundred jobs, so many at once.");
  std::chrono::milliseconds delay(1);
  program.option("--delay", delay, "how long the service takes for each");

  return program.run(argc, argv, [&](std::span<const stage::style> styles) {
    stage::table table({"style", "bound", "limit", "most at once", "elapsed", "allocations"});
    for (stage::style how : styles)
      for (bound by : every_bound)
        for (unsigned limit : {4u, jobs})
          if (versions_of(by).has(how)) table.add(row(how, by, limit, delay));
    table.print();
  });
}
