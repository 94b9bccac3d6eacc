#include <fmt/format.h>

#include "stage/cost.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "versions.hpp"

int main(int argc, char** argv) {
  stage::program program("ordered_await", "A user, then that user's orders, then the invoice.");
  std::chrono::milliseconds delay(20);
  program.option("--delay", delay, "how long the service takes to answer");

  return program.run(argc, argv, [&](std::span<const stage::style> styles) {
    stage::line_service service = stage::open_shop(delay);
    stage::story told;
    const stage::shop shop(service.address(), told);
    braid::loop loop;
    stage::table table({"style", "in this order", "elapsed", "allocations"});
    for (stage::style how : styles) {
      stage::invoice invoice;
      const stage::cost cost = stage::measure([&] {
        told.clear();
        invoice = ordered_await::get_invoice(how, shop, 7);
      });
      told.tell(fmt::format("invoice {} {}.{:02}", invoice.to, invoice.cents / 100, invoice.cents % 100));
      table.add({std::string(name_of(how)), told.text(), cost.elapsed_text(), cost.allocations_text()});
    }
    table.print();
  });
}
