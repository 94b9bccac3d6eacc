// libFuzzer: what endpoint::parse accepts, it writes as a text that means the same.

#include "braid/net/endpoint.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto first = braid::endpoint::parse({reinterpret_cast<const char*>(data), size});
  if (!first) return 0;
  const auto again = braid::endpoint::parse(first->to_string());
  if (!again || !(*again == *first)) std::abort();
  return 0;
}
