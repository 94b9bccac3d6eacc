#include <fmt/format.h>

#include "stage/cost.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "versions.hpp"

using namespace lost_update;

int main(int argc, char** argv) {
  stage::program program("lost_update", "30 and 50 cents are withdrawn at once from an account of 100.");
  std::chrono::milliseconds delay(5);
  program.option("--delay", delay, "how long the bank takes to approve");

  return program.run(argc, argv, [&](std::span<const stage::style> styles) {
    const stage::line_service service(
        approval([delay]() -> braid::task<> { co_await braid::sleep_for(delay); }));
    const bank at(service.address());
    stage::story told;
    braid::loop loop;
    stage::table table({"style", "way", "left", "in this order", "elapsed", "allocations"});
    for (stage::style how : styles)
      for (way by : every_way) {
        if (!versions_of(by).has(how)) continue;
        int left = 0;
        const stage::cost cost = stage::measure([&] {
          told.clear();
          account from(told);
          (void)withdraw_at_once(how, by, from, at, {30, 50});
          left = from.cents();
        });
        table.add({std::string(name_of(how)), std::string(name_of(by)), std::to_string(left), told.text(),
                   cost.elapsed_text(), cost.allocations_text()});
      }
    table.print();
  });
}
