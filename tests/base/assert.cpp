#include "braid/base/detail/assert.hpp"

#include <csignal>
#include <string>

#include "catch.hpp"
#include "child_process.hpp"

namespace {

TEST_CASE("BRAID_ASSERT: evaluates its condition once", "[base][assert]") {
  int asked = 0;
  BRAID_ASSERT(++asked == 1);
  CHECK(asked == 1);
}

TEST_CASE("BRAID_ASSERT: a false condition is printed, and the program aborts", "[base][assert]") {
  const auto ended = braid_tests::in_child([] {
    const int apples = 3;
    BRAID_ASSERT(apples == 4);
  });
  CHECK(ended.signal() == SIGABRT);
  CHECK_THAT(ended.errors, braid_tests::contains("braid: assertion failed: apples == 4 ("));
  CHECK_THAT(ended.errors, braid_tests::contains("assert.cpp:"));
}

TEST_CASE("BRAID_DEBUG_ASSERT: evaluates nothing if BRAID_DEBUG is 0", "[base][assert]") {
  [[maybe_unused]] int asked = 0;
  BRAID_DEBUG_ASSERT(++asked == 1);
  CHECK(asked == BRAID_DEBUG);
}

}  // namespace
