// Catch2's runner, compiled once for all test programs.

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include "braid/base/sanitizer.hpp"

#if BRAID_TSAN
// Tests run children that are forks of theirs, and some of those start threads.
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }
#endif

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
