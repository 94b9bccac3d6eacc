#include "braid/http/url.hpp"

#include <string>
#include <tuple>

#include "catch.hpp"

using namespace braid;

TEST_CASE("http::url: reads a URL, or says why it is none", "[http][url]") {
  for (const auto& [text, host, port, target] : {
           std::tuple("http://a", "a", 80, "/"),
           {"HTTPS://A.Example/", "a.example", 443, "/"},
           {"http://a:8080/b?c=d#e", "a", 8080, "/b?c=d"},
           {"http://a?b", "a", 80, "/?b"},
           {"http://a:/b", "a", 80, "/b"},
           {"http://[::1]:8/", "::1", 8, "/"},
           {"http://a#/b", "a", 80, "/"},
       }) {
    CAPTURE(text);
    const auto got = http::url::parse(text);
    REQUIRE(got);
    CHECK(got->host == host);
    CHECK(got->port == port);
    CHECK(got->target == target);
  }
  for (const char* each : {"",
                           "a",
                           "/a",
                           "ftp://a/",
                           "http:/a",
                           "http://",
                           "http:///a",
                           "http://:80/",
                           "http://a:0/",
                           "http://a:65536/",
                           "http://a:b/",
                           "http://u@a/",
                           "http://a@b:80/",
                           "http://[::1/",
                           "http://[::1]x/",
                           "http://[g]/",
                           "http://a b/",
                           "http://a/ b",
                           "http://a/\r\nX: y",
                           "http://a\\@b/",
                           "http://\xC3\xA4/",
                           "http://a%2fb/"}) {
    CAPTURE(each);
    CHECK_FALSE(http::url::parse(each));
  }
  CHECK(http::url::parse(std::string("http://a\0b/", 11)).error() == std::errc::invalid_argument);
}

TEST_CASE("http::url: resolves references", "[http][url]") {
  const http::url base = http::url::parse("http://a:81/b/c/d;p?q").value();
  CHECK(base.to_string() == "http://a:81/b/c/d;p?q");
  for (const auto& [reference, expected] : {
           std::pair("g", "http://a:81/b/c/g"),
           {"./g", "http://a:81/b/c/g"},
           {"g/", "http://a:81/b/c/g/"},
           {"/g", "http://a:81/g"},
           {"//g", "http://g/"},
           {"?y", "http://a:81/b/c/d;p?y"},
           {"g?y", "http://a:81/b/c/g?y"},
           {"#s", "http://a:81/b/c/d;p?q"},
           {"", "http://a:81/b/c/d;p?q"},
           {".", "http://a:81/b/c/"},
           {"..", "http://a:81/b/"},
           {"../g", "http://a:81/b/g"},
           {"../../..", "http://a:81/"},
           {"../../../g", "http://a:81/g"},
           {"/a/../g", "http://a:81/g"},
           {"https://x/y", "https://x/y"},
           {"g?a=http://b", "http://a:81/b/c/g?a=http://b"},
       }) {
    CAPTURE(reference);
    const auto got = base.resolve(reference);
    REQUIRE(got);
    CHECK(got->to_string() == expected);
  }
  CHECK_FALSE(base.resolve("mailto:a"));
  CHECK_FALSE(base.resolve("/a b"));
}
