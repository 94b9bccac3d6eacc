// Catch2's runner, compiled once for all test programs.

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#include <catch2/catch_test_case_info.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "braid/sim/virtual_time.hpp"

namespace {

#if __has_include(<catch2/catch_session.hpp>)
using listener_base = Catch::EventListenerBase;
bool has_tag(const Catch::TestCaseInfo& test, const char* name) {
  return std::ranges::any_of(test.tags, [&](const Catch::Tag& tag) { return tag == Catch::Tag(name); });
}
#else
using listener_base = Catch::TestEventListenerBase;
bool has_tag(const Catch::TestCaseInfo& test, const char* name) {
  return std::ranges::find(test.lcaseTags, name) != test.lcaseTags.end();
}
#endif

// With BRAID_TEST_CLOCK=virtual nothing sleeps: each test runs on virtual time, but for those that say [kernel]
// because they use real descriptors or a certain reactor, and those with a [thread] of their own, which virtual time
// would not wait for.
bool needs_kernel(const Catch::TestCaseInfo& test) {
  return has_tag(test, "kernel") || has_tag(test, "thread") || has_tag(test, "threads");
}

class clock_of_tests : public listener_base {
 public:
  using listener_base::listener_base;
  void testCaseStarting(const Catch::TestCaseInfo& test) override {
    const char* word = std::getenv("BRAID_TEST_CLOCK");
    if (word != nullptr && std::string_view(word) == "virtual" && !needs_kernel(test)) time_.emplace();
  }
  void testCaseEnded(const Catch::TestCaseStats&) override { time_.reset(); }

 private:
  std::optional<braid::sim::virtual_time> time_;
};
CATCH_REGISTER_LISTENER(clock_of_tests)

}  // namespace

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
