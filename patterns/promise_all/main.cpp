#include <fstream>

#include <fmt/format.h>

#include "stage/cost.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "stage/temporary_folder.hpp"
#include "versions.hpp"

using namespace promise_all;
using namespace std::chrono_literals;
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
      (void)get_invoice(how, shop, 7);
    });
    table.add({std::string(name_of(how)), told.text(), cost.elapsed_text(), cost.allocations_text()});
  }
  table.print();
}

void show_reports(std::span<const style> styles) {
  const durations lasting;
  const stage::temporary_folder folder;
  const std::filesystem::path form = folder.path() / "form.txt";
  std::ofstream(form) << "sold for {}";
  stage::line_service archive = open_archive(lasting);
  stage::story told;
  const report_desk desk(archive.address(), form, lasting, told);
  braid::loop loop;

  fmt::print("\nRead {}, query {}, parse {}, send {} ms: in sequence, and with read and query at once\n",
             lasting.read.count(), lasting.query.count(), lasting.parse.count(), lasting.send.count());
  stage::table table({"style", "at once, in this order", "in sequence", "at once", "allocations"});
  for (style how : styles) {
    const auto measured = [&](joining read_and_query) {
      return stage::measure([&] {
        told.clear();
        (void)send_report(how, read_and_query, desk);
      });
    };
    const stage::cost sequence = measured(joining::in_sequence);
    const stage::cost together = measured(joining::at_once);
    table.add({std::string(name_of(how)), told.text(), sequence.elapsed_text(), together.elapsed_text(),
               together.allocations_text()});
  }
  table.print();
}

// Once is enough: 200 ms are far longer than what else could take time here.
std::string time_of(style how, joining all, const services& at) {
  const auto began = std::chrono::steady_clock::now();
  (void)get_front_page(how, all, at);
  return stage::cost{std::chrono::steady_clock::now() - began, {}}.elapsed_text();
}

services reached_at(const stage::line_service& service) {
  return services([at = service.address()](std::string which) { return stage::ask(at, std::move(which)); });
}

void show_front_pages(std::span<const style> styles) {
  const stage::line_service even(services_that_take({})), uneven(services_that_take({.news = 300ms}));
  const services each_200 = reached_at(even), one_300 = reached_at(uneven);
  braid::loop loop;

  fmt::print("\nThree services of 200 ms each: in sequence, at once, and at once if one takes 300 ms\n");
  stage::table table({"style", "in sequence", "at once", "at once, 300 ms"});
  for (style how : styles)
    table.add({std::string(name_of(how)), time_of(how, joining::in_sequence, each_200),
               time_of(how, joining::at_once, each_200), time_of(how, joining::at_once, one_300)});
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
    show_front_pages(styles);
  });
}
