#include "braid/net/resolve.hpp"

#include <netdb.h>

#include <algorithm>
#include <string>

#include "catch.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("resolve: a numeric address gives its own endpoint", "[net][resolve]") {
  IN_EVERY_STYLE(style);
  const auto v4 = style.wait(resolve("127.0.0.1", "80"));
  REQUIRE(v4);
  REQUIRE(v4->size() == 1);
  CHECK(v4->front() == endpoint("127.0.0.1", 80));
  CHECK(style.wait(resolve("::1", "443")).value().front() == endpoint("::1", 443));
}

TEST_CASE("resolve: localhost gives the loopback addresses", "[net][resolve]") {
  IN_EVERY_STYLE(style);
  const auto found = style.wait(resolve("localhost", "7"));
  REQUIRE(found);
  const bool loopback = std::any_of(found->begin(), found->end(), [](const endpoint& one) {
    return one == endpoint("127.0.0.1", 7) || one == endpoint("::1", 7);
  });
  CHECK(loopback);
}

TEST_CASE("resolve: an unknown name or service is an error that names it", "[net][resolve][failure]") {
  IN_EVERY_STYLE(style);
  // Neither look-up needs a name server: no host name contains a space, and services are looked up in a file.
  style.wait(resolve("127.0.0.1", "1")).value();  // opens what the C library keeps open
  const auto before = open_descriptors();
  auto no_host = style.wait(resolve("no such host", "80"));
  REQUIRE_FALSE(no_host);
  CHECK(no_host.error().code().category() == resolve_category());
  CHECK(no_host.error().call() == "resolve");
  CHECK_THAT(no_host.error().message(), contains("resolve no such host:80: "));

  auto no_service = style.wait(resolve("127.0.0.1", "no-such-service"));
  REQUIRE_FALSE(no_service);
  CHECK(no_service.error().code() == std::error_code(EAI_SERVICE, resolve_category()));
  CHECK_THAT(no_service.error().message(), contains("127.0.0.1:no-such-service"));
  CHECK(open_descriptors() == before);
}

TEST_CASE("resolve: a text that the C library would misread is an error that names it",
          "[net][resolve][failure]") {
  using namespace std::string_literals;
  IN_EVERY_STYLE(style);
  const auto refused = [&](const std::string& host, const std::string& service, const std::string& named) {
    const auto ended = style.wait(resolve(host, service));
    CAPTURE(named);
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::invalid_argument);
    CHECK(ended.error().call() == "resolve");
    CHECK_THAT(ended.error().message(), contains("resolve " + named));
  };
  refused("127.0.0.1\0.example.com"s, "80", "127.0.0.1?.example.com:80");
  refused("\0"s, "80", "?:80");
  refused("127.0.0.1", "80\0"s, "127.0.0.1:80?");
  refused("127.0.0.1", "http\0s"s, "127.0.0.1:http?s");
  for (const char* service : {"99999", "65536", "18446744073709551696", "-1", "+80", " 80", "80 ", "\t80",
                              "8 0", "-", "*", "80.0", "8,0"})
    refused("127.0.0.1", service, "127.0.0.1:"s + service);
}

TEST_CASE("resolve: accepts the last port and an empty service, and refuses a long name", "[net][resolve]") {
  IN_EVERY_STYLE(style);
  CHECK(style.wait(resolve("127.0.0.1", "65535")).value().front() == endpoint("127.0.0.1", 65535));
  CHECK(style.wait(resolve("127.0.0.1", "")).value().front() == endpoint("127.0.0.1", 0));
  for (const std::size_t length : {300U, 2000U, 100'000U})
    CHECK(style.wait(resolve(std::string(length, 'a'), "80")).error().code().category() ==
          resolve_category());
  CHECK(style.wait(resolve("", "80")).error().code().category() == resolve_category());
}

TEST_CASE("resolve: keeps the scope of an address", "[net][resolve]") {
  IN_EVERY_STYLE(style);
  const auto found = style.wait(resolve("fe80::1%lo", "80"));
  REQUIRE(found);
  CHECK(found->front() == endpoint("fe80::1%lo", 80));
  CHECK(found->front().to_string() == "[fe80::1%lo]:80");
}

TEST_CASE("resolve: a silent name server delays nothing else", "[net][resolve][threads]") {
  const auto ended = braid_tests::run_program(braid_tests::crash_program("held_look_up"));
  INFO(ended.errors);
  CHECK(ended.exit_status() == 0);
  CHECK(ended.signal() == 0);
}

TEST_CASE("resolve: its error codes have the system's texts", "[net][resolve]") {
  CHECK(std::error_code(EAI_NONAME, resolve_category()).message() == ::gai_strerror(EAI_NONAME));
  CHECK(std::string(resolve_category().name()) == "resolve");
}
