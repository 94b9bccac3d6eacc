#include <fmt/format.h>

#include "stage/cost.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "stage/temporary_folder.hpp"
#include "versions.hpp"

using namespace fire_and_forget;
using stage::style;

namespace {

const std::string ann = "ann@example.org";
const std::string bob = "bob@nowhere.invalid";  // the spool has no folder for this domain

braid::task<> wait_for(std::chrono::milliseconds delay) { co_await braid::sleep_for(delay); }

// Ann and Bob sign up; each gets a mail later. The cost is that of a sign-up, up to the receipt.
void show(style how, failure then, office& at, stage::story& told, stage::table& table) {
  const stage::cost cost =
      stage::measure([&] { (void)sign_up(how, then, at, ann); }, [&] { let_the_mail_go(at); });
  told.clear();
  for (const std::string& who : {ann, bob}) {
    (void)sign_up(how, then, at, who);
    told.tell("receipt");
  }
  let_the_mail_go(at);
  table.add({fmt::format("{}{}", name_of(how), then == failure::is_lost ? ", naive" : ""), told.text(),
             cost.elapsed_text(), cost.allocations_text()});
}

}  // namespace

int main(int argc, char** argv) {
  stage::program program("fire_and_forget", "Sign up now, get the welcome mail later; one mail fails.");
  std::chrono::milliseconds delay(20);
  program.option("--delay", delay, "how long the mail server lets a mail wait");

  return program.run(argc, argv, [&](std::span<const style> styles) {
    const stage::temporary_folder folder;
    stage::table table({"style", "in this order", "until receipt", "allocations"});
    std::string log;
    for (style how : styles) {
      for (failure then : {failure::is_seen, failure::is_lost}) {
        stage::story told;
        office at(folder.path(), [&] { return wait_for(delay); }, told);
        braid::loop loop;
        loop.on_unhandled_error([&](const braid::error& why) { at.mail_failed(why); });
        show(how, then, at, told, table);
        for (const braid::error& why : at.failures())
          log += fmt::format("{}: {}\n{}", name_of(how), why.message(), braid::format_stack(why));
      }
    }
    table.print();
    fmt::print("\nThe log of lost mail, with the asynchronous stack of each\n{}", log);
  });
}
