#include "braid/base/detail/lost_error.hpp"

#include <csignal>
#include <stdexcept>
#include <string>

#include "braid/base/result.hpp"
#include "catch.hpp"
#include "child_process.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

struct throws_at_its_end {
  throws_at_its_end() = default;
  throws_at_its_end(throws_at_its_end&&) noexcept {}
  throws_at_its_end& operator=(throws_at_its_end&&) = delete;
  ~throws_at_its_end() noexcept(false) { throw std::runtime_error("at its end"); }
};

std::string lost;

}  // namespace

TEST_CASE("result: an exception from its value's destructor is reported once as a lost error",
          "[base][lost_error]") {
  braid::detail::lost_errors_go_to = [](error failure) noexcept { lost += failure.message() + ";"; };
  { const result<throws_at_its_end> held(std::in_place); }
  braid::detail::lost_errors_go_to = nullptr;
  CHECK(lost == "at its end;");
}

TEST_CASE("report_lost: without a handler the error is printed and the program aborts",
          "[base][lost_error]") {
  const child_end ended = in_child([] { const result<throws_at_its_end> held(std::in_place); });
  CHECK(ended.signal() == SIGABRT);
  CHECK_THAT(ended.errors, contains("braid: unhandled error: at its end\n"));
}
