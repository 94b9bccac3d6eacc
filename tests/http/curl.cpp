// Drives a server by curl, where that is installed.

#include <array>
#include <cstdio>
#include <string>
#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/http/server.hpp"
#include "braid/schedule/offload.hpp"
#include "site.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

// What a shell's command prints.
std::string printed_by(const std::string& command) {
  std::string all;
  std::FILE* const out = ::popen(command.c_str(), "r");
  if (out == nullptr) throw std::runtime_error("popen");
  std::array<char, 4096> part;
  for (std::size_t got = 1; got != 0;) {
    got = std::fread(part.data(), 1, part.size(), out);
    all.append(part.data(), got);
  }
  ::pclose(out);
  return all;
}

}  // namespace

TEST_CASE("http::server: answers curl", "[http][curl]") {
  if (printed_by("command -v curl").empty()) {
    WARN("curl is not installed");
    return;
  }
  const auto program = []() -> task<> {
    http::router routes;
    routes.get("/greet/{name}", [](http::request& asked) -> task<http::response> {
      co_return http::response(200, "hello, " + std::string(asked.parameter("name")));
    });
    routes.put("/size", [](http::request& asked) -> task<http::response> {
      std::size_t size = 0;
      for (bool more = true; more;) {
        const auto piece = co_await asked.body.next();
        more = piece.has_value();
        size += more ? piece->size() : 0;
      }
      co_return http::response(200, std::to_string(size));
    });
    site here(std::move(routes));
    const std::string url = " http://" + here.at.to_string();
    const auto curl = [](const std::string& arguments) {
      return offload(printed_by, "curl -s --max-time 60 --noproxy '*'" + arguments);
    };
    const std::string both = co_await curl(url + "/greet/ann" + url + "/greet/b%20b");
    CHECK(both == "hello, annhello, b b");
    const std::string head = co_await curl(" -I" + url + "/greet/ann");
    CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(head.find("Content-Length: 10\r\n") != std::string::npos);
    // 1,000,000 bytes, for which curl expects 100-continue; then the same in chunks.
    const std::string zeros = "head -c 1000000 /dev/zero | curl -s --max-time 60 --noproxy '*' -T -";
    const std::string sized =
        co_await offload(printed_by, zeros +
                                         " -H 'Content-Length: 1000000' -H "
                                         "'Transfer-Encoding:' -H 'Expect: 100-continue'" +
                                         url + "/size");
    CHECK(sized == "1000000");
    const std::string chunked = co_await offload(printed_by, zeros + url + "/size");
    CHECK(chunked == "1000000");
    const std::string missing = co_await curl(" -o /dev/null -w '%{http_code}'" + url + "/nowhere");
    CHECK(missing == "404");
    co_await here.close();
  };
  braid::run(program());
}
