#include "braid/net/resolve.hpp"

#include <netdb.h>

#include <algorithm>

#include "catch.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("resolve: numbers are their own endpoints", "[net][resolve]") {
  IN_EVERY_STYLE(style);
  const auto v4 = style.wait(resolve("127.0.0.1", "80"));
  REQUIRE(v4);
  REQUIRE(v4->size() == 1);
  CHECK(v4->front() == endpoint("127.0.0.1", 80));
  CHECK(style.wait(resolve("::1", "443")).value().front() == endpoint("::1", 443));
}

TEST_CASE("resolve: localhost is this machine", "[net][resolve]") {
  IN_EVERY_STYLE(style);
  const auto found = style.wait(resolve("localhost", "7"));
  REQUIRE(found);
  const bool loopback = std::any_of(found->begin(), found->end(), [](const endpoint& one) {
    return one == endpoint("127.0.0.1", 7) || one == endpoint("::1", 7);
  });
  CHECK(loopback);
}

TEST_CASE("resolve: a name or a service that does not exist says which", "[net][resolve][failure]") {
  IN_EVERY_STYLE(style);
  // Neither needs a name server: a space is in no host's name, and services are looked up in a file.
  style.wait(resolve("127.0.0.1", "1")).value();  // the library's own first descriptors
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

TEST_CASE("resolve: its codes have the system's words", "[net][resolve]") {
  CHECK(std::error_code(EAI_NONAME, resolve_category()).message() == ::gai_strerror(EAI_NONAME));
  CHECK(std::string(resolve_category().name()) == "resolve");
}
