#include <fmt/format.h>

#include "stage/cost.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "versions.hpp"

using namespace ordering;

int main(int argc, char** argv) {
  stage::program program("ordering", "Three pages come in the order 3, 1, 2, and are read as 1, 2, 3.");
  std::chrono::milliseconds delay(20);
  program.option("--delay", delay, "how long the library takes between two pages");

  return program.run(argc, argv, [&](std::span<const stage::style> styles) {
    stage::line_service service(library([&](int number) -> braid::task<> {
      co_await braid::sleep_for(delay * (number % book::pages.size()));
    }));
    stage::story told;
    const book from(service.address(), told);
    braid::loop loop;
    stage::table table({"style", "in this order", "elapsed", "allocations"});
    for (stage::style how : styles) {
      for (order by : {order::of_pages, order::of_arrival}) {
        const stage::cost cost = stage::measure([&] {
          told.clear();
          read_aloud(how, by, from, told);
        });
        table.add({fmt::format("{}{}", name_of(how), by == order::of_arrival ? ", naive" : ""), told.text(),
                   cost.elapsed_text(), cost.allocations_text()});
      }
    }
    table.print();
  });
}
