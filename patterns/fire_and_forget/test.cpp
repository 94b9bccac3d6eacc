#include "versions.hpp"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "stage/temporary_folder.hpp"

using namespace fire_and_forget;
using braid_tests::contains;
using events = std::vector<std::string>;

namespace {

const std::string ann = "ann@example.org";
const std::string bob = "bob@nowhere.invalid";

// An office whose mail waits until the test says that the mail server has time.
struct patient_office {
  patient_office() {
    loop.on_unhandled_error([this](const braid::error& why) { at.mail_failed(why); });
  }
  void open_the_mail_server() {
    open = true;
    open.notify_all();
    let_the_mail_go(at);
  }

  std::atomic<bool> open = false;
  stage::temporary_folder folder;
  stage::story told;
  office at{folder.path(), [this] { return opened(); }, told};
  braid::loop loop;

 private:
  braid::task<> opened() {
    co_await braid::offload([this] { open.wait(false); });
  }
};

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("fire_and_forget: in every style the receipt does not wait for the mail", "[fire_and_forget]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  patient_office office;

  CHECK(sign_up(how, failure::is_seen, office.at, ann).for_whom == ann);
  CHECK(sign_up(how, failure::is_seen, office.at, bob).for_whom == bob);
  CHECK(office.told.events() == events{"account ann", "account bob"});
  CHECK_FALSE(exists(office.at.spool_file(ann)));

  office.open_the_mail_server();
  CHECK_THAT(text_of(office.at.spool_file(ann)), contains("To: ann@example.org"));
}

TEST_CASE("fire_and_forget: in every style a lost mail is reported with its chain of awaits",
          "[fire_and_forget]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  patient_office office;

  (void)sign_up(how, failure::is_seen, office.at, ann);
  (void)sign_up(how, failure::is_seen, office.at, bob);
  office.open_the_mail_server();

  events later = office.told.events();
  std::sort(later.begin() + 2, later.end());  // two mails at once
  CHECK(later == events{"account ann", "account bob", "a mail is lost", "mail to ann"});
  const std::vector<braid::error> failures = office.at.failures();
  REQUIRE(failures.size() == 1);
  CHECK(failures[0] == std::errc::no_such_file_or_directory);
  CHECK_THAT(failures[0].message(), contains("nowhere.invalid/bob"));
  const std::string stack = format_stack(failures[0]);
  CHECK_THAT(stack, contains("write_file"));
  CHECK_THAT(stack, contains("send_welcome"));
  CHECK_THAT(stack, contains("sign_up"));  // where it was begun
}

TEST_CASE("fire_and_forget: the naive version of every style loses the failure", "[fire_and_forget]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  patient_office office;

  (void)sign_up(how, failure::is_lost, office.at, ann);
  CHECK(sign_up(how, failure::is_lost, office.at, bob).for_whom == bob);
  office.open_the_mail_server();

  CHECK(office.told.events() == events{"account ann", "account bob", "mail to ann"});
  CHECK(office.at.failures().empty());
  CHECK_FALSE(exists(office.at.spool_file(bob)));
}

TEST_CASE("fire_and_forget: in every style a sign-up that fails itself has no receipt and no mail",
          "[fire_and_forget]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  patient_office office;

  CHECK_THROWS_AS(sign_up(how, failure::is_seen, office.at, "no/such@example.org"), std::system_error);
  office.open_the_mail_server();
  CHECK(office.told.events().empty());
  CHECK(office.at.failures().empty());
}
