// libFuzzer: a server's side of a connection, with arbitrary bytes in arbitrary pieces. Whatever arrives,
// all that is sent must be whole responses.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
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

http::server_options quiet() {
  http::server_options how;
  how.end_of_input_is_gone = false;
  how.limits.body = 2000;
  how.limits.head = 4000;
  how.on_error = [](const error&) {};
  return how;
}

}  // namespace

// The first byte says how long the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static loop here;
  static http::server all(echo, quiet());
  const std::size_t piece = data[0] == 0 ? size : data[0];
  std::vector<std::string> pieces;
  for (std::size_t at = 1; at < size; at += piece)
    pieces.emplace_back(reinterpret_cast<const char*>(data) + at, std::min(piece, size - at));
  std::string sent;
  here.run(all.serve(braid_tests::scripted(std::move(pieces), sent)));
  if (!sent.empty() && !sent.starts_with("HTTP/1.1 ")) std::abort();
  if (all.metrics().connections != 0 || all.metrics().running != 0) std::abort();
  return 0;
}
