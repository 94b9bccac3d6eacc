#include <fstream>

#include <fmt/format.h>

#include "stage/cost.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "stage/temporary_folder.hpp"
#include "versions.hpp"

using stage::style;

namespace {

void show_invoices(std::span<const style> styles, std::chrono::milliseconds delay) {
  stage::line_service service = stage::open_shop(delay);
  stage::story told;
  const stage::shop shop(service.address(), told);
  braid::loop loop;

  fmt::print("A user, then orders and preferences at once, then the invoice\n");
  stage::table table({"style", "in this order", "elapsed", "allocations"});
  for (style how : styles) {
    const stage::cost cost = stage::measure([&] {
      told.clear();
      (void)promise_all::get_invoice(how, shop, 7);
    });
    table.add({std::string(name_of(how)), told.text(), cost.elapsed_text(), cost.allocations_text()});
  }
  table.print();
}

void show_reports(std::span<const style> styles) {
  using promise_all::joining;
  const promise_all::durations lasting;
  const stage::temporary_folder folder;
  const std::filesystem::path form = folder.path() / "form.txt";
  std::ofstream(form) << "sold for {}";
  stage::line_service archive = promise_all::open_archive(lasting);
  stage::story told;
  const promise_all::report_desk desk(archive.address(), form, lasting, told);
  braid::loop loop;

  fmt::print("\nRead {}, query {}, parse {}, send {} ms: one after the other, and with read beside query\n",
             lasting.read.count(), lasting.query.count(), lasting.parse.count(), lasting.send.count());
  stage::table table({"style", "overlapped, in this order", "in sequence", "overlapped", "allocations"});
  for (style how : styles) {
    const auto measured = [&](joining read_and_query) {
      return stage::measure([&] {
        told.clear();
        (void)promise_all::send_report(how, read_and_query, desk);
      });
    };
    const stage::cost sequence = measured(joining::in_sequence);
    const stage::cost overlap = measured(joining::overlapped);
    table.add({std::string(name_of(how)), told.text(), sequence.elapsed_text(), overlap.elapsed_text(),
               overlap.allocations_text()});
  }
  table.print();
}

}  // namespace

int main(int argc, char** argv) {
  stage::program program("promise_all", "What does not need each other's result is done at once.");
  std::chrono::milliseconds delay(20);
  program.option("--delay", delay, "how long the shop takes to answer");

  return program.run(argc, argv, [&](std::span<const style> styles) {
    show_invoices(styles, delay);
    show_reports(styles);
  });
}
