#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/http/server.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "scripted.hpp"

// What a server makes of requests that are right, wrong, or meant to be read in two ways.

using namespace braid;
using namespace braid_tests;

namespace {

struct example {
  const char* name;
  std::string bytes;
  std::vector<int> statuses;
  std::vector<std::string> handled;  // "METHOD target body"
};

std::string to_host(const std::string& line, const std::string& rest = "\r\n") {
  return line + " HTTP/1.1\r\nHost: x\r\n" + rest;
}
const std::string get = to_host("GET /a");
std::string post(const std::string& fields_and_body) { return to_host("POST /p", fields_and_body); }
std::string chunked(const std::string& body) { return post("Transfer-Encoding: chunked\r\n\r\n" + body); }

std::vector<example> examples() {
  const std::string next = get;  // what would be smuggled
  return {
      {"a request", get, {200}, {"GET /a "}},
      {"three, pipelined", get + get + get, {200, 200, 200}, {"GET /a ", "GET /a ", "GET /a "}},
      {"empty lines before it", "\r\n\r\n" + get, {200}, {"GET /a "}},
      {"nothing at all", "", {}, {}},
      {"HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n" + next, {200}, {"GET /a "}},
      {"HTTP/1.0 that stays",
       "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get,
       {200, 200},
       {"GET /a ", "GET /a "}},
      {"a last one", to_host("GET /a", "Connection: close\r\n\r\n") + next, {200}, {"GET /a "}},
      {"close among others", to_host("GET /a", "Connection: foo, Close\r\n\r\n") + next, {200}, {"GET /a "}},
      {"a body", post("Content-Length: 3\r\n\r\nabc") + get, {200, 200}, {"POST /p abc", "GET /a "}},
      {"an empty body", post("Content-Length: 0\r\n\r\n") + get, {200, 200}, {"POST /p ", "GET /a "}},
      {"no length", post("\r\n") + get, {200, 200}, {"POST /p ", "GET /a "}},
      {"chunks", chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") + get, {200, 200}, {"POST /p abcde", "GET /a "}},
      {"chunks with extensions",
       chunked("3;a=b\r\nabc\r\n0;x\r\n\r\n") + get,
       {200, 200},
       {"POST /p abc", "GET /a "}},
      {"chunks with trailers",
       chunked("1\r\na\r\n0\r\nX-Sum: 1\r\nHost: y\r\n\r\n") + get,
       {200, 200},
       {"POST /p a", "GET /a "}},
      {"large hexadecimal digits", chunked("A\r\n0123456789\r\n0\r\n\r\n"), {200}, {"POST /p 0123456789"}},
      {"OPTIONS *", to_host("OPTIONS *"), {200}, {"OPTIONS * "}},
      {"an absolute target", to_host("GET http://x/a"), {200}, {"GET http://x/a "}},
      {"blanks around a value", to_host("GET /a", "A: \t b \t\r\n\r\n"), {200}, {"GET /a "}},
      {"an empty value", to_host("GET /a", "A:\r\nB: \r\n\r\n"), {200}, {"GET /a "}},
      {"an upgrade that is not made",
       to_host("GET /a", "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n") + get,
       {200, 200},
       {"GET /a ", "GET /a "}},
      {"a body that waits",
       post("Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"),
       {200},
       {"POST /p abc"}},
      // the request line
      {"no HTTP", std::string("\x16\x03\x01\x02", 4), {400}, {}},
      {"an unknown method", to_host("FROB /a") + next, {501}, {}},
      {"a method in small letters", to_host("get /a") + next, {501}, {}},
      {"CONNECT", to_host("CONNECT x:1") + next, {501}, {}},
      {"no version", "GET /a\r\n\r\n", {505}, {}},
      {"HTTP/0.9", "GET /a HTTP/0.9\r\n\r\n", {505}, {}},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}, {}},
      {"HTTP/1.2", "GET /a HTTP/1.2\r\nHost: x\r\n\r\n", {505}, {}},
      {"HTTP/3.1", "GET /a HTTP/3.1\r\nHost: x\r\n\r\n", {505}, {}},
      {"HTTP/1.10", "GET /a HTTP/1.10\r\nHost: x\r\n\r\n", {505}, {}},
      {"no version number", "GET /a HTTP/x\r\nHost: x\r\n\r\n", {505}, {}},
      {"another protocol", "GET /a ICY/1.1\r\nHost: x\r\n\r\n", {400}, {}},
      {"a relative target", to_host("GET a"), {400}, {}},
      {"a target with a fragment", to_host("GET /a#b"), {400}, {}},
      {"a zero byte in the target", to_host(std::string("GET /a\0b", 8)), {400}, {}},
      {"a blank in the target", to_host("GET /a b"), {400}, {}},
      {"a star for GET", to_host("GET *"), {400}, {}},
      {"a bare line feed behind the request line", "GET /a HTTP/1.1\nHost: x\r\n\r\n" + next, {400}, {}},
      // fields
      {"no Host", "GET /a HTTP/1.1\r\n\r\n" + next, {400}, {}},
      {"two hosts", to_host("GET /a", "Host: y\r\n\r\n") + next, {400}, {}},
      {"a host with a blank", "GET /a HTTP/1.1\r\nHost: x y\r\n\r\n", {400}, {}},
      {"a host with a path", "GET /a HTTP/1.1\r\nHost: x/y\r\n\r\n", {400}, {}},
      {"a field that goes on in the next line", to_host("GET /a", "A: b\r\n c\r\n\r\n") + next, {400}, {}},
      {"one that begins in the next line", to_host("GET /a", "A:\r\n b\r\n\r\n") + next, {400}, {}},
      {"a continued Transfer-Encoding", post("Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"), {400}, {}},
      {"a blank before the colon", post("Content-Length : 3\r\n\r\nabc") + next, {400}, {}},
      {"no colon", to_host("GET /a", "Abc\r\n\r\n") + next, {400}, {}},
      {"no name", to_host("GET /a", ": b\r\n\r\n") + next, {400}, {}},
      {"a blank before the first field", "GET /a HTTP/1.1\r\n Host: x\r\n\r\n", {400}, {}},
      {"a line of blanks that continues one", to_host("GET /a", "A:\r\n \r\n\r\n") + next, {400}, {}},
      {"a zero byte in a value", to_host("GET /a", std::string("A: b\0c\r\n\r\n", 10)) + next, {400}, {}},
      {"a zero byte in a name", to_host("GET /a", std::string("A\0: b\r\n\r\n", 9)) + next, {400}, {}},
      {"a carriage return in a value", to_host("GET /a", "A: b\rc\r\n\r\n") + next, {400}, {}},
      {"a bare line feed in the fields", to_host("GET /a", "A: b\nB: c\r\n\r\n") + next, {400}, {}},
      {"a bare line feed at the end of the head", "GET /a HTTP/1.1\r\nHost: x\r\n\n" + next, {400}, {}},
      {"an unknown expectation", post("Expect: wonders\r\nContent-Length: 3\r\n\r\nabc") + next, {417}, {}},
      // the body's framing
      {"two lengths", post("Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc") + next, {400}, {}},
      {"two different lengths", post("Content-Length: 0\r\nContent-Length: 44\r\n\r\n") + next, {400}, {}},
      {"a list of lengths", post("Content-Length: 3, 3\r\n\r\nabc") + next, {400}, {}},
      {"a length with a sign", post("Content-Length: +3\r\n\r\nabc") + next, {400}, {}},
      {"a negative length", post("Content-Length: -1\r\n\r\n") + next, {400}, {}},
      {"a hexadecimal length", post("Content-Length: 0x3\r\n\r\nabc") + next, {400}, {}},
      {"an empty length", post("Content-Length: \r\n\r\n") + next, {400}, {}},
      {"a length with a blank in it", post("Content-Length: 1 0\r\n\r\nabc") + next, {400}, {}},
      {"an absurd length", post("Content-Length: 99999999999999999999\r\n\r\n") + next, {400}, {}},
      {"a length over the limit", post("Content-Length: 2000000\r\n\r\n"), {413}, {}},
      {"length and coding",
       post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") + next,
       {400},
       {}},
      {"coding and length",
       post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n") + next,
       {400},
       {}},
      {"another coding", post("Transfer-Encoding: gzip\r\n\r\n") + next, {501}, {}},
      {"another coding, then chunks",
       post("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n") + next,
       {501},
       {}},
      {"chunks, then another coding",
       post("Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n") + next,
       {400},
       {}},
      {"chunks twice",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") + next,
       {400},
       {}},
      {"a quoted coding", post("Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n") + next, {501}, {}},
      {"a misspelt coding", post("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n") + next, {501}, {}},
      {"chunks in HTTP/1.0",
       "POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next,
       {400},
       {}},
      {"a chunk without a size", chunked("\r\nabc\r\n0\r\n\r\n") + next, {400}, {}},
      {"a chunk's size with a sign", chunked("+3\r\nabc\r\n0\r\n\r\n") + next, {400}, {}},
      {"a chunk's size with 0x", chunked("0x3\r\nabc\r\n0\r\n\r\n") + next, {400}, {}},
      {"an absurd chunk", chunked("fffffffffffffffff\r\n") + next, {400}, {}},
      {"a chunk over the limit", chunked("ffffffffffffffff\r\nabc"), {413}, {}},
      {"a chunk that is longer than it says", chunked("2\r\nabc\r\n0\r\n\r\n") + next, {400}, {}},
      {"a bare line feed behind a chunk's size", chunked("3\nabc\r\n0\r\n\r\n") + next, {400}, {}},
      {"a bare line feed behind a chunk", chunked("3\r\nabc\n0\r\n\r\n") + next, {400}, {}},
      {"a line feed in an extension", chunked("3;a\nb\r\nabc\r\n0\r\n\r\n") + next, {400}, {}},
      // ends too early
      {"half a request line", "GET /a HT", {400}, {}},
      {"half a head", "GET /a HTTP/1.1\r\nHost: x\r\n", {400}, {}},
      {"half a body", post("Content-Length: 5\r\n\r\nabc"), {400}, {}},
      {"half of the chunks", chunked("3\r\nabc\r\n"), {400}, {}},
  };
}

struct outcome {
  std::vector<int> statuses;
  std::vector<std::string> handled;
  bool operator==(const outcome&) const = default;
};

http::server_options quiet() {
  http::server_options how;
  how.end_of_input_is_gone = false;
  how.on_error = [](const error&) {};
  return how;
}

outcome of(std::vector<std::string> pieces) {
  outcome found;
  const auto answer = [&found](http::request& asked) -> task<http::response> {
    std::string said = asked.method + " " + asked.target + " ";
    const std::string text = co_await asked.body.text(1 << 20);
    said += text;
    found.handled.push_back(said);
    co_return http::response(200, said);
  };
  std::string sent;
  http::server all(answer, quiet());
  loop::current().run(all.serve(scripted(std::move(pieces), sent)));
  for (const seen_response& each : responses_in(sent))
    if (each.status != 100) found.statuses.push_back(each.status);
  return found;
}

template <class T>
std::string listed(const std::vector<T>& all) {
  std::string text;
  for (const T& each : all) {
    if constexpr (std::is_same_v<T, int>)
      text += std::to_string(each) + "; ";
    else
      text += each + "; ";
  }
  return text;
}

}  // namespace

TEST_CASE("http: what a server makes of each request", "[http][conformance]") {
  loop here;
  for (const example& each : examples()) {
    CAPTURE(each.name);
    const outcome got = of({each.bytes});
    CHECK(listed(got.statuses) == listed(each.statuses));
    CHECK(listed(got.handled) == listed(each.handled));
  }
}

TEST_CASE("http: the same, however the bytes arrive", "[http][conformance]") {
  loop here;
  for (const example& each : examples()) {
    CAPTURE(each.name);
    const outcome expected{each.statuses, each.handled};
    std::vector<std::string> bytes;
    for (const char c : each.bytes) bytes.emplace_back(1, c);
    const outcome by_bytes = of(bytes);
    CHECK(listed(by_bytes.statuses) == listed(each.statuses));
    CHECK(listed(by_bytes.handled) == listed(each.handled));
    bool all = true;
    for (std::size_t at = 1; at < each.bytes.size(); ++at)
      all = all && of({each.bytes.substr(0, at), each.bytes.substr(at)}) == expected;
    CHECK(all);
  }
}
