// libFuzzer: a server's side of a connection, with arbitrary bytes in arbitrary pieces. Whatever arrives,
// all that is sent must be whole responses.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../http/scripted.hpp"
#include "braid/http/server.hpp"
#include "braid/style/run.hpp"

using namespace braid;

namespace {

task<http::response> echo(http::request& asked) {
  http::response given;
  if (asked.path() == "/stream") {
    given.body = std::move(asked.body);
    co_return given;
  }
  if (asked.path() == "/leave") co_return given;
  std::string text = co_await asked.body.text(1000);
  co_return http::response(200, std::move(text));
}

// What the server says of itself while it serves one input.
struct {
  std::vector<bool> to_head;  // of each response
  int errors = 0;
} seen;

http::server_options watched() {
  http::server_options how;
  how.end_of_input_is_gone = false;
  how.limits.body = 2000;
  how.limits.head = 4000;
  how.on_error = [](const error&) { ++seen.errors; };
  how.on_access = [](const http::access& one) { seen.to_head.push_back(one.asked.method == "HEAD"); };
  return how;
}

// Only a body that fails on its way, which is an error that was reported, may leave a response cut short.
void check(std::string_view sent) {
  try {
    for (const bool to_head : seen.to_head) {
      braid_tests::seen_response one = braid_tests::take_response(sent, to_head);
      while (one.status == 100) one = braid_tests::take_response(sent, to_head);
    }
  } catch (const std::exception&) {
    if (seen.errors == 0) std::abort();
    return;
  }
  while (!sent.empty())
    if (braid_tests::take_response(sent).status != 100) std::abort();
}

}  // namespace

// The first byte says where the bytes are cut into pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static loop here;
  static http::server all(echo, watched());
  seen = {};
  std::minstd_rand draws(data[0] + 1U);
  const std::size_t longest = std::size_t{1} << (data[0] % 13);
  std::vector<std::string> pieces;
  for (std::size_t at = 1; at < size; at += pieces.back().size())
    pieces.emplace_back(reinterpret_cast<const char*>(data) + at,
                        std::min<std::size_t>(1 + draws() % longest, size - at));
  std::string sent;
  here.run(all.serve(braid_tests::scripted(std::move(pieces), sent)));
  check(sent);
  if (all.metrics().connections != 0 || all.metrics().running != 0) std::abort();
  return 0;
}
