#include "braid/http/access_log.hpp"

#include <chrono>
#include <optional>
#include <string>

#include "braid/http/server.hpp"
#include "site.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::system_clock::time_point moment =
    std::chrono::sys_days(2026y / 12 / 1) + 8h + 15min + 30s;

std::string line_of(const std::string& method, const std::string& target,
                    const std::optional<endpoint>& peer = std::nullopt, int status = 200,
                    std::uint64_t bytes = 6) {
  http::request asked(method, target);
  asked.peer = peer;
  return http::to_common_log({asked, status, bytes, 1ms}, moment);
}

}  // namespace

TEST_CASE("http::to_common_log: writes a line of the Common Log Format", "[http][log]") {
  const std::string time = " - - [01/Dec/2026:08:15:30 +0000] ";
  CHECK(line_of("GET", "/jobs/7", endpoint("192.0.2.7", 4711)) ==
        "192.0.2.7" + time + "\"GET /jobs/7 HTTP/1.1\" 200 6");
  CHECK(line_of("HEAD", "/", endpoint("2001:db8::1", 1), 304, 0) ==
        "2001:db8::1" + time + "\"HEAD / HTTP/1.1\" 304 -");
  CHECK(line_of("GET", "/", endpoint("::ffff:192.0.2.7", 1)) ==
        "192.0.2.7" + time + "\"GET / HTTP/1.1\" 200 6");
  CHECK(line_of("", "", std::nullopt, 400, 0) == "-" + time + "\"-\" 400 -");
  http::request old("GET", "/");
  old.is_http_1_0 = true;
  CHECK(http::to_common_log({old, 200, 1'000'000'000'000, 1ms}, std::chrono::sys_days(1970y / 1 / 9)) ==
        "- - - [09/Jan/1970:00:00:00 +0000] \"GET / HTTP/1.0\" 200 1000000000000");
}

TEST_CASE("http::to_common_log: what a client sends can forge no line", "[http][log]") {
  CHECK_THAT(line_of("GET", "/\" 200 1\n192.0.2.7 - - \\ \x1b[2J\x7f\xc3\xa4"),
             contains("\"GET /\\\" 200 1\\x0a192.0.2.7 - - \\\\ \\x1b[2J\\x7f\\xc3\\xa4 HTTP/1.1\" 200 6"));
  CHECK_THAT(line_of("GET", std::string("/a\0b", 4)), contains("GET /a\\x00b HTTP/1.1"));
}

TEST_CASE("http::to_common_log: a server's requests have their peer and the time of now", "[http][log]") {
  const auto program = []() -> task<> {
    std::string line;
    http::server_options how;
    how.on_access = [&line](const http::access& done) { line = http::to_common_log(done); };
    site here(hello, std::move(how));
    const auto before = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    (void)co_await talk(here.at, last_request("/a?b"));
    CHECK(line.starts_with("127.0.0.1 - - ["));
    CHECK(line.ends_with(" +0000] \"GET /a?b HTTP/1.1\" 200 5"));
    bool is_now = false;  // within the seconds that this took
    for (auto at = before; at <= std::chrono::system_clock::now(); at += 1s) {
      const http::request any;
      const std::string expected = http::to_common_log({any, 200, 5, 1ms}, at);
      const auto time_in = [](const std::string& text) { return text.substr(text.find('['), 28); };
      is_now = is_now || time_in(line) == time_in(expected);
    }
    CHECK(is_now);
    (void)co_await talk(here.at, "GET / HTTP/1.1\nHost: x\n\n");
    CHECK(line.ends_with("\"-\" 400 -"));
    co_await here.close();
  };
  run_in(GENERATE(true, false), program);
}
