#include <fstream>

#include <fmt/format.h>

#include "stage/program.hpp"
#include "stage/table.hpp"
#include "stage/temporary_folder.hpp"
#include "versions.hpp"

using namespace error_boundaries;

namespace {

// The places where the error arrived.
std::string told(stage::style how, boundary where, const places& from, error_log& log) {
  std::string whom;
  const auto add = [&whom](const char* who) { whom += (whom.empty() ? "" : ", ") + std::string(who); };
  braid::loop loop;
  loop.on_unhandled_error([&](const braid::error&) { add("the unhandled-error handler"); });
  const std::size_t before = log.written().size();
  try {
    (void)load(how, where, from, log);
  } catch (...) {
    const bool broken = braid::error::current() == braid::errc::broken_promise;
    add(broken ? "the caller (Broken promise)" : "the caller");
  }
  if (log.written().size() > before) add("the log");
  return whom;
}

}  // namespace

int main(int argc, char** argv) {
  stage::program program("error_boundaries", "Where a try catches what an operation throws, and where not.");

  return program.run(argc, argv, [&](std::span<const stage::style> styles) {
    const stage::temporary_folder folder;
    const std::filesystem::path bad = folder.path() / "bad";
    std::ofstream(bad) << "coolor red";
    const places missing({folder.path() / "mine", folder.path() / "ours", folder.path() / "theirs"});
    const places wrong({bad});
    stage::table table({"style", "no file: error goes to", "wrong file: error goes to"});
    std::string logs;
    for (stage::style how : styles)
      for (boundary where : {boundary::around_the_wait, boundary::around_the_start}) {
        if (!versions_of(where).has(how)) continue;
        error_log log;
        table.add({fmt::format("{}{}", name_of(how), where == boundary::around_the_start ? ", naive" : ""),
                   told(how, where, missing, log), told(how, where, wrong, log)});
        if (log.written().empty()) continue;
        logs += fmt::format("\nThe log, {}\n", name_of(how));
        for (const braid::error& why : log.written())
          logs += fmt::format("{}\n{}", why.message(), braid::format_stack(why));
      }
    table.print();
    fmt::print("{}", logs);
  });
}
