#include <fmt/format.h>

#include "stage/cost.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "versions.hpp"

using namespace race_and_timeout;
using std::chrono::milliseconds;

namespace {

stage::line_service open_mirror(milliseconds delay) {
  return stage::line_service([delay](std::string) -> braid::task<std::string> {
    co_await braid::sleep_for(delay);
    co_return "the page";
  });
}

void show(stage::style how, losers then, const mirrors& from, milliseconds limit, stage::story& told,
          stage::table& table) {
  const auto race = [&] {
    told.clear();
    try {
      told.tell("page of " + get_page(how, then, from, limit).mirror);
    } catch (const std::system_error& failure) {
      told.tell(failure.code().message());
    }
  };
  const stage::cost cost = stage::measure(race, [] { braid::loop::current().run(); });
  for (const std::string mirror : mirrors::names) told.shorten("ask " + mirror, mirror + "?");
  table.add({fmt::format("{}{}", name_of(how), then == losers::go_on ? ", naive" : ""), told.text(),
             cost.elapsed_text(), cost.allocations_text()});
}

}  // namespace

int main(int argc, char** argv) {
  stage::program program("race_and_timeout", "Three mirrors are asked; the first to answer wins.");
  milliseconds delay(20);
  program.option("--delay", delay, "how long the fastest takes; the others, twice and three times that");

  return program.run(argc, argv, [&](std::span<const stage::style> styles) {
    stage::line_service north = open_mirror(2 * delay);
    stage::line_service east = open_mirror(delay);
    stage::line_service south = open_mirror(3 * delay);
    stage::story told;
    const mirrors from({north.address(), east.address(), south.address()}, told);
    braid::loop loop;
    for (const milliseconds limit : {10 * delay, delay / 2}) {
      fmt::print("A limit of {} ms\n", limit.count());
      stage::table table({"style", "in this order, until nothing is in flight", "until page", "allocations"});
      for (stage::style how : styles)
        for (losers then : {losers::are_stopped, losers::go_on})
          if (versions_of(then).has(how)) show(how, then, from, limit, told, table);
      table.print();
    }
  });
}
