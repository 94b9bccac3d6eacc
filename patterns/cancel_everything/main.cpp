#include <fmt/format.h>

#include "stage/cost.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "stage/temporary_folder.hpp"
#include "versions.hpp"

using namespace cancel_everything;
using stage::style;
using std::chrono::milliseconds;

namespace {

// Each part takes its own time; the feed is requested again and again.
stage::line_service open_site() {
  return stage::line_service([](std::string part) -> braid::task<std::string> {
    if (part == "feed") co_return "not yet";
    co_await braid::sleep_for(part == "head" ? 2ms : 1h);
    co_return part;
  });
}

braid::task<> stop_later(page_request& asked, milliseconds after) {
  co_await braid::sleep_for(after);
  asked.stop();
}

braid::result<page> build_and_stop(style how, const site& from, const path& draft, milliseconds after) {
  if (how != style::blocking) {
    page_request asked(how, from, draft);
    const braid::future<void> leaving = braid::spawn(stop_later(asked, after));
    braid::result<page> ended = asked.wait();
    leaving.request_stop();
    return ended;
  }
  braid::stop_source source;
  std::jthread user([&source, after] {
    std::this_thread::sleep_for(after);
    source.request_stop();
  });
  return braid::capture([&] { return blocking::build_page(from, draft, source.get_token()); });
}

}  // namespace

int main(int argc, char** argv) {
  stage::program program("cancel_everything", "A page is being built when its reader goes away.");
  milliseconds after(10);
  program.option("--after", after, "when the reader goes");

  return program.run(argc, argv, [&](std::span<const style> styles) {
    const stage::temporary_folder folder;
    const stage::line_service service = open_site();
    stage::story told;
    const site from(service.address(), told, 4ms);
    braid::loop loop;
    stage::table table({"style", "in this order", "ends as", "elapsed", "allocations"});
    for (style how : styles) {
      std::string end;
      const stage::cost cost = stage::measure([&] {
        told.clear();
        const braid::result<page> built = build_and_stop(how, from, folder.path() / "draft", after);
        end = built ? *built : built.error().code().message();
      });
      table.add({std::string(name_of(how)), told.text(), end, cost.elapsed_text(), cost.allocations_text()});
    }
    table.print();
  });
}
