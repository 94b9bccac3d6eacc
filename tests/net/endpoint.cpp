#include "braid/net/endpoint.hpp"

#include <net/if.h>

#include <cstring>
#include <string>

#include "braid/base/error.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("endpoint: keeps address and port", "[net][endpoint]") {
  CHECK(endpoint().to_string() == "0.0.0.0:0");
  CHECK(endpoint("127.0.0.1", 80).to_string() == "127.0.0.1:80");
  CHECK(endpoint("::1", 65535).to_string() == "[::1]:65535");
  CHECK(endpoint("2001:db8::7", 1).to_string() == "[2001:db8::7]:1");
  CHECK(endpoint::loopback(9).to_string() == "127.0.0.1:9");
  CHECK(endpoint("127.0.0.1", 80).port() == 80);
  CHECK(endpoint("127.0.0.1", 80).family() == AF_INET);
  CHECK(endpoint("::1", 80).family() == AF_INET6);
  CHECK(endpoint("127.0.0.1", 80).size() == sizeof(sockaddr_in));
  CHECK(endpoint("::1", 80).size() == sizeof(sockaddr_in6));
}

TEST_CASE("endpoint: parse reads what to_string writes", "[net][endpoint]") {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "[::1]:8080", "[2001:db8::7]:65535",
                           "[fe80::1%lo]:80", "[ff02::1%lo]:80", "[fe80::1%4000000000]:80", "[::1%7]:80"}) {
    const auto parsed = endpoint::parse(text);
    REQUIRE(parsed);
    CHECK(parsed->to_string() == text);
  }
}

TEST_CASE("endpoint: an IPv4 address that is written as IPv6 can be unmapped", "[net][endpoint]") {
  const endpoint mapped("::ffff:192.0.2.1", 80);
  CHECK(mapped.to_string() == "[::ffff:192.0.2.1]:80");
  CHECK(endpoint::parse(mapped.to_string()).value() == mapped);
  CHECK(mapped.unmapped() == endpoint("192.0.2.1", 80));
  for (const char* other : {"192.0.2.1:80", "[::1]:80", "[fe80::1%7]:80", "[::]:0"})
    CHECK(endpoint::parse(other).value().unmapped().to_string() ==
          endpoint::parse(other).value().to_string());
}

TEST_CASE("endpoint: parse refuses anything else and says why", "[net][endpoint]") {
  for (const std::string text : {"",
                                 ":",
                                 ":80",
                                 "127.0.0.1",
                                 "127.0.0.1:",
                                 "127.0.0.1:65536",
                                 "127.0.0.1:-1",
                                 "127.0.0.1:8o",
                                 "127.0.0.1: 80",
                                 "127.0.0.1:+80",
                                 "localhost:80",
                                 "::1:80",
                                 "[::1]",
                                 "[::1:80",
                                 "::1]:80",
                                 "[127.0.0.1]:80",
                                 "[]:80",
                                 "256.0.0.1:80",
                                 "127.0.0.1:80 ",
                                 " 127.0.0.1:80",
                                 "127.0.0.1:80:80",
                                 "127.0.0.1%lo:80",
                                 "[127.0.0.1%lo]:80",
                                 "fe80::1%lo:80",
                                 "[fe80::1%]:80",
                                 "[fe80::1%no-such-if]:80",
                                 "[fe80::1%a-name-that-no-interface-could-have]:80",
                                 "[fe80::1%lo%lo]:80",
                                 "[fe80::1%-1]:80",
                                 "[fe80::1%+1]:80",
                                 "[fe80::1% 1]:80",
                                 "[fe80::1%4294967296]:80",
                                 "[%lo]:80"}) {
    CAPTURE(text);
    const auto parsed = endpoint::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error() == std::errc::invalid_argument);
    CHECK_THAT(parsed.error().message(), contains("endpoint '"));
  }
}

TEST_CASE("endpoint: a host name is no address", "[net][endpoint]") {
  CHECK_THROWS_AS(endpoint("localhost", 80), std::system_error);
  CHECK_THROWS_WITH(endpoint("localhost", 80), contains("endpoint 'localhost'"));
  CHECK_THROWS_AS(endpoint("", 80), std::system_error);
  CHECK_THROWS_AS(endpoint("1.2.3", 80), std::system_error);
  CHECK_THROWS_AS(endpoint(std::string_view("127.0.0.1\0x", 11), 80), std::system_error);
  CHECK_THROWS_AS(endpoint(std::string_view("fe80::1%lo\0x", 12), 80), std::system_error);
  CHECK_FALSE(endpoint::parse(std::string_view("127.0.0.1\0:80", 13)));
  CHECK_FALSE(endpoint::parse(std::string_view("127.0.0.1:80\0", 13)));
}

TEST_CASE("endpoint: a scope is an interface's name or number, and is part of the value", "[net][endpoint]") {
  const unsigned loopback = ::if_nametoindex("lo");
  REQUIRE(loopback != 0);
  const endpoint scoped("fe80::1%lo", 80);
  CHECK(reinterpret_cast<const sockaddr_in6*>(scoped.data())->sin6_scope_id == loopback);
  CHECK(scoped == endpoint("fe80::1%" + std::to_string(loopback), 80));
  CHECK(scoped.to_string() == "[fe80::1%lo]:80");
  CHECK_FALSE(scoped == endpoint("fe80::1", 80));
  CHECK_FALSE(scoped == endpoint("fe80::1%" + std::to_string(loopback + 1), 80));
  CHECK(endpoint("fe80::1%0", 80) == endpoint("fe80::1", 80));
  CHECK(endpoint("::1%lo", 80).to_string() == "[::1%" + std::to_string(loopback) + "]:80");
}

TEST_CASE("endpoint: refuses a socket address of another family", "[net][endpoint]") {
  sockaddr_storage storage{};
  const endpoint v6("::1", 7);
  std::memcpy(&storage, v6.data(), v6.size());
  CHECK(endpoint(storage) == v6);
  storage.ss_family = AF_UNIX;
  CHECK_THROWS_AS(endpoint(storage), std::system_error);
}

TEST_CASE("endpoint: endpoints with equal family, address and port are equal", "[net][endpoint]") {
  CHECK(endpoint("127.0.0.1", 80) == endpoint("127.0.0.1", 80));
  CHECK_FALSE(endpoint("127.0.0.1", 80) == endpoint("127.0.0.1", 81));
  CHECK_FALSE(endpoint("127.0.0.1", 80) == endpoint("127.0.0.2", 80));
  CHECK(endpoint("::1", 80) == endpoint("0:0:0:0:0:0:0:1", 80));
  CHECK_FALSE(endpoint("::1", 80) == endpoint("127.0.0.1", 80));
}
