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
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "braid/loop/reactor.hpp"
#include "braid/sim/faults.hpp"
#include "braid/sim/faulty.hpp"
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

bool is_set(const char* variable, std::string_view word) {
  const char* value = std::getenv(variable);
  return value != nullptr && value == word;
}

// With BRAID_TEST_CLOCK=virtual nothing sleeps: each test runs on virtual time. Exceptions are tests tagged
// [kernel], which use real descriptors or a certain reactor, and [thread] or [threads], whose threads virtual
// time would not wait for.
bool needs_kernel(const Catch::TestCaseInfo& test) {
  return has_tag(test, "kernel") || has_tag(test, "thread") || has_tag(test, "threads");
}

// With BRAID_TEST_FAULTS=mild requests on the real kernel meet faults that no caller may notice: EINTR,
// EAGAIN, late completions. Tests tagged [exact] are spared, since they count what a request costs.
class mild_faults {
 public:
  mild_faults() {
    using namespace braid::sim;
    constexpr auto a_moment = std::chrono::microseconds(1);
    schedule_.add({.what = fault::interrupted, .probability = 0.1});
    schedule_.add({.what = fault::would_block, .probability = 0.1, .delay = a_moment});
    schedule_.add({.what = fault::late, .probability = 0.1, .delay = a_moment});
  }

 private:
  braid::sim::fault_schedule schedule_;
  std::uint64_t loops_ = 0;
  braid::reactor_override override_{[this](const braid::loop_options& options) {
    return braid::sim::faulty(braid::make_reactor(options), schedule_, ++loops_);
  }};
};

class surroundings_of_tests : public listener_base {
 public:
  using listener_base::listener_base;
  void testCaseStarting(const Catch::TestCaseInfo& test) override {
    if (is_set("BRAID_TEST_CLOCK", "virtual") && !needs_kernel(test)) time_.emplace();
    if (is_set("BRAID_TEST_FAULTS", "mild") && !has_tag(test, "exact")) faults_.emplace();
  }
  void testCaseEnded(const Catch::TestCaseStats&) override {
    faults_.reset();
    time_.reset();
  }

 private:
  std::optional<braid::sim::virtual_time> time_;
  std::optional<mild_faults> faults_;
};
CATCH_REGISTER_LISTENER(surroundings_of_tests)

}  // namespace

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
