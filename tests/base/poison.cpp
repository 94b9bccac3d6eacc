#include "braid/base/detail/poison.hpp"

#include <array>

#include "catch.hpp"
#include "sanitized.hpp"

namespace {

TEST_CASE("poison: marks memory under AddressSanitizer and does nothing in other builds", "[base][poison]") {
  alignas(8) std::array<char, 32> room{};
  braid::detail::poison(room.data() + 8, 16);
#if BRAID_ASAN
  CHECK_FALSE(__asan_address_is_poisoned(room.data()));
  CHECK(__asan_address_is_poisoned(room.data() + 8));
  CHECK(__asan_address_is_poisoned(room.data() + 23));
  CHECK_FALSE(__asan_address_is_poisoned(room.data() + 24));
#else
  room[8] = 1;
#endif
  braid::detail::unpoison(room.data() + 8, 16);
  room[8] = 2;
  CHECK(room[8] == 2);
  braid::detail::poison(nullptr, 16);  // an empty buffer may have no address
  braid::detail::unpoison(nullptr, 16);
}

}  // namespace
