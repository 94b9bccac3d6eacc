#include <algorithm>
#include <array>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "braid/base/error.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "braid/tls/accept.hpp"
#include "braid/tls/connect.hpp"
#include "braid/tls/error.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "tls/connection.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

tls::context serving(const subject& about) {
  return tls::context(serves_as(here_and_now().ours.issue(about)));
}

// Both ends fail, and neither leaves a descriptor.
void check_refused(const tls::context& trusting, const tls::context& serving, const std::string& host,
                   tls::errc why, const std::string& message, tls::errc for_the_server = tls::errc::refused) {
  const auto before = open_descriptors();
  const shaken ends = shake_hands({}, trusting, serving, host);
  REQUIRE_FALSE(ends.near);
  CHECK(ends.near.error() == why);
  CHECK(ends.near.error().code().category() == tls::error_category());
  CHECK(ends.near.error().message() == message);
  REQUIRE_FALSE(ends.far);
  CHECK(ends.far.error() == for_the_server);
  CHECK_THAT(ends.far.error().message(), contains("tls::accept 127.0.0.1:"));
  CHECK(open_descriptors() == before);
}

// A message each way, so that both ends know how the handshake of TLS 1.3 has ended; then both close.
task<> greet(tls::stream& near, tls::stream& far) {
  std::string room(2, '?');
  co_await near.write_all("hi");
  co_await far.read_exactly(room);
  co_await far.write_all("ho");
  co_await near.read_exactly(room);
  auto closing = when_all(near.close(), far.close());
  co_await std::move(closing);
}

}  // namespace

TEST_CASE("tls: the certificate must be the host's", "[tls][handshake]") {
  loop here;
  const tls::context& trusting = here_and_now().trusting;
  const tls::context good =
      serving({.alternatives = "DNS:a.example.org,DNS:*.example.com,IP:127.0.0.1,IP:::1"});
  for (const char* host : {"a.example.org", "A.Example.org.", "b.example.com", "127.0.0.1", "::1"}) {
    CAPTURE(host);
    CHECK(shake_hands({}, trusting, good, host).near);
  }
  for (const char* host :
       {"b.example.org", "example.com", "a.b.example.com", "127.0.0.2", "::2", "localhost"}) {
    CAPTURE(host);
    const std::string kind = host[0] == '1' || host[0] == ':' ? "IP address mismatch" : "hostname mismatch";
    check_refused(
        trusting, good, host, tls::errc::wrong_host,
        std::string("tls::connect ") + host + " (" + kind + "): the certificate is for another host");
  }
  const tls::context by_name = serving({.name = "old.example.org", .alternatives = ""});
  CHECK(shake_hands({}, trusting, by_name, "old.example.org").near.error() == tls::errc::wrong_host);
  for (const std::string& none : {std::string(), std::string("127.0.0.1\0.example.org", 22)})
    CHECK(shake_hands({}, trusting, good, none).near.error().exception() != nullptr);
}

TEST_CASE("tls: the certificate must be valid now, and of a trusted authority", "[tls][handshake]") {
  loop here;
  const tls::context& trusting = here_and_now().trusting;
  check_refused(trusting, serving({.begins = -7200, .ends = -3600}), "localhost",
                tls::errc::certificate_expired, "tls::connect localhost: certificate has expired");
  check_refused(trusting, serving({.begins = 3600, .ends = 7200}), "localhost",
                tls::errc::certificate_not_yet_valid, "tls::connect localhost: certificate is not yet valid");
  const authority other("another");
  const tls::context foreign(serves_as(other.issue()));
  check_refused(
      trusting, foreign, "localhost", tls::errc::certificate_untrusted,
      "tls::connect localhost (unable to get local issuer certificate): the certificate is not of a "
      "trusted authority");
  tls::client_options careless = trusts(here_and_now().ours);
  careless.verify = tls::verification::none;
  CHECK(shake_hands({}, tls::context(careless), foreign, "example.org").near);
  careless.verify = tls::verification::chain;
  CHECK(shake_hands({}, tls::context(careless), here_and_now().serving, "example.org").near);
  CHECK(shake_hands({}, tls::context(careless), foreign).near.error() == tls::errc::certificate_untrusted);
}

TEST_CASE("tls: a server can ask its clients for certificates", "[tls][handshake]") {
  loop here;
  const surroundings& our = here_and_now();
  tls::server_options strict = serves_as(our.server);
  strict.authorities.push_back(our.ours.certificate());
  strict.client_certificates = tls::client_certificate::required;
  const identity ann = our.ours.issue({.name = "ann", .alternatives = ""});
  tls::client_options known = trusts(our.ours);
  known.certificate = tls::pem::text(ann.certificate);
  known.key = tls::pem::text(ann.key);
  const shaken good = shake_hands({}, tls::context(known), tls::context(strict));
  REQUIRE(good.far);
  CHECK(good.far->peer_subject() == "CN=ann");

  // In TLS 1.3 a client has done its part before the server says no.
  shaken missing = shake_hands({}, our.trusting, tls::context(strict));
  REQUIRE_FALSE(missing.far);
  CHECK(missing.far.error() == tls::errc::certificate_missing);
  REQUIRE(missing.near);
  std::string room(1, '?');
  const auto refused = here.run(as_result(missing.near->read_some(room)));
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == tls::errc::refused);
  CHECK(refused.error().message() ==
        "tls::stream::read_some localhost (tlsv13 alert certificate required): the peer refused");
  CHECK(here.run(as_result(missing.near->write_all("x"))).error() == tls::errc::refused);
  CHECK(here.run(as_result(missing.near->close())));

  const authority other("another");
  const identity eve = other.issue({.name = "eve"});
  known.certificate = tls::pem::text(eve.certificate);
  known.key = tls::pem::text(eve.key);
  CHECK(shake_hands({}, tls::context(known), tls::context(strict)).far.error() ==
        tls::errc::certificate_untrusted);
  strict.client_certificates = tls::client_certificate::wanted;
  CHECK(shake_hands({}, our.trusting, tls::context(strict)).far);
  CHECK_FALSE(shake_hands({}, tls::context(known), tls::context(strict)).far);
}

TEST_CASE("tls: the application protocol is the server's choice among the client's", "[tls][handshake]") {
  loop here;
  const surroundings& our = here_and_now();
  tls::server_options serves = serves_as(our.server);
  serves.protocols = {"h2", "http/1.1"};
  tls::client_options client = trusts(our.ours);
  client.protocols = {"http/1.1", "h2"};
  const shaken ends = shake_hands({}, tls::context(client), tls::context(serves));
  REQUIRE(ends.near);
  CHECK(ends.near->protocol() == "h2");
  CHECK(ends.far->protocol() == "h2");
  client.protocols = {"imap"};
  check_refused(
      tls::context(client), tls::context(serves), "localhost", tls::errc::no_common_protocol,
      "tls::connect localhost (tlsv1 alert no application protocol): no application protocol in common",
      tls::errc::no_common_protocol);
  // If one side has no list, there is no protocol.
  CHECK(shake_hands({}, tls::context(client), our.serving).near->protocol().empty());
  CHECK(shake_hands({}, our.trusting, tls::context(serves)).near->protocol().empty());
}

TEST_CASE("tls: the versions must have one in common", "[tls][handshake]") {
  loop here;
  const surroundings& our = here_and_now();
  tls::server_options modern = serves_as(our.server);
  modern.least = tls::version::tls_1_3;
  CHECK(shake_hands({}, our.trusting, tls::context(modern)).near->version() == "TLSv1.3");
}

TEST_CASE("tls: a peer that speaks something else is named so", "[tls][handshake]") {
  loop here;
  connection both = connected_pair({});
  auto accepting = spawn(as_result(tls::accept(std::move(both.far), here_and_now().serving)));
  here.run(both.near.write_all("GET / HTTP/1.1\r\n\r\n"));
  CHECK(here.run(std::move(accepting)).error() == tls::errc::not_tls);
  both = connected_pair({});
  here.run(both.far.write_all("220 mail.example.org\r\n"));
  auto connecting = as_result(tls::connect(std::move(both.near), "localhost", here_and_now().trusting));
  CHECK(here.run(std::move(connecting)).error() == tls::errc::not_tls);
}

TEST_CASE("tls: a context of the other side is refused", "[tls][handshake]") {
  loop here;
  connection both = connected_pair({});
  CHECK_THROWS_AS(here.run(tls::connect(std::move(both.near), "localhost", here_and_now().serving)),
                  std::invalid_argument);
  CHECK_THROWS_AS(here.run(tls::accept(std::move(both.far), here_and_now().trusting)), std::invalid_argument);
}

TEST_CASE("tls: a second connection resumes the session of the first", "[tls][handshake]") {
  loop here;
  const surroundings& our = here_and_now();
  const tls::context trusting(trusts(our.ours)), serving(serves_as(our.server));
  for (const bool resumed : {false, true, true}) {
    shaken ends = shake_hands({}, trusting, serving);
    REQUIRE(ends.near);
    CHECK(ends.near->is_resumed() == resumed);
    CHECK(ends.far->is_resumed() == resumed);
    CHECK(ends.near->peer_subject() == "CN=localhost");
    here.run(greet(*ends.near, *ends.far));
  }
  CHECK(trusting.kept_sessions() > 0);
  CHECK(trusting.kept_sessions() <= 4);
  // Another name is another host; a server that has begun again knows no session; an end that was no orderly
  // one takes nothing away.
  CHECK_FALSE(shake_hands({}, trusting, serving, "127.0.0.1").near->is_resumed());
  shaken anew = shake_hands({}, trusting, tls::context(serves_as(our.server)));
  REQUIRE(anew.near);
  CHECK_FALSE(anew.near->is_resumed());
  std::string room(2, '?');
  here.run(anew.far->write_all("hi"));
  here.run(anew.near->read_exactly(room));
  tls::client_options forgetful = trusts(our.ours);
  forgetful.sessions = 0;
  const tls::context without(forgetful);
  for (int i = 0; i < 2; ++i) {
    shaken ends = shake_hands({}, without, serving);
    here.run(greet(*ends.near, *ends.far));
    CHECK_FALSE(ends.near->is_resumed());
  }
  CHECK(without.kept_sessions() == 0);
}

TEST_CASE("tls: connects by name, and to another one if that is wanted", "[tls][handshake]") {
  IN_EVERY_STYLE(style);
  loop here;
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  const std::string port = std::to_string(door.local_endpoint().port());
  const tls::context other = serving({.alternatives = "DNS:example.org"});
  const auto serve_two = [&]() -> task<> {
    for (const tls::context* each : {&here_and_now().serving, &other}) {
      tcp::stream client = co_await door.accept();
      tls::stream peer = co_await tls::accept(std::move(client), *each);
      co_await peer.close();
    }
  };
  auto serving_two = spawn(serve_two);
  auto near = style.wait(tls::connect("127.0.0.1", port, here_and_now().trusting));
  REQUIRE(near);
  CHECK(style.wait(near->close()));
  tls::connect_options how;
  how.name = "example.org";
  near = style.wait(tls::connect("127.0.0.1", port, here_and_now().trusting, how));
  REQUIRE(near);
  CHECK(near->host_name() == "example.org");
  CHECK(style.wait(near->close()));
  here.run(std::move(serving_two));
}

// ---- the program of OpenSSL -----------------------------------------------------------------------------

namespace {

bool has_program() { return std::system("openssl version >/dev/null 2>&1") == 0; }

}  // namespace

TEST_CASE("tls: OpenSSL's own client is served", "[tls][handshake][kernel]") {
  if (!has_program()) return;
  loop here;
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  const std::string command =
      "printf 'hello\\n' | openssl s_client -quiet -verify_quiet -connect 127.0.0.1:" +
      std::to_string(door.local_endpoint().port()) + " 2>&1";
  FILE* program = ::popen(command.c_str(), "re");
  REQUIRE(program != nullptr);
  const auto serve = [&]() -> task<> {
    tcp::stream client = co_await door.accept();
    tls::stream peer = co_await tls::accept(std::move(client), here_and_now().serving);
    std::string room(6, '?');
    co_await peer.read_exactly(room);
    co_await peer.write_all("got " + room);
    co_await peer.close();
  };
  here.run(serve);
  std::array<char, 4096> room{};
  const std::string text(room.data(), std::fread(room.data(), 1, room.size(), program));
  ::pclose(program);
  CHECK_THAT(text, contains("got hello"));
}
