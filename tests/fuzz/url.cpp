// libFuzzer: what http::url::parse accepts, it writes as a text that means the same; so do references to it.

#include "braid/http/url.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void check(const braid::result<braid::http::url>& one) {
  if (!one) return;
  const auto again = braid::http::url::parse(one->to_string());
  if (!again || !again->same_origin(*one) || again->target != one->target) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(braid::http::url::parse(text));
  static const braid::http::url base = braid::http::url::parse("http://a/b/c?d").value();
  check(base.resolve(text));
  return 0;
}
