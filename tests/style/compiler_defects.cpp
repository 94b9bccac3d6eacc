// Checks what docs/compilers.md says: when a compiler has fixed a defect, the page must no longer list it.

#include "../../tools/await_copies.hpp"
#include "catch.hpp"

namespace {

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
constexpr bool destroys_twice = true;
#else
constexpr bool destroys_twice = false;
#endif

TEST_CASE("compiler: g++ before 13 destroys objects made inside a co_await expression twice",
          "[style][compiler]") {
  CHECK(await_copy_probe::captures_stay_whole() != destroys_twice);
  CHECK(await_copy_probe::conditionals_stay_whole() != destroys_twice);
  CHECK(await_copy_probe::braces_stay_whole() != destroys_twice);
}

}  // namespace
