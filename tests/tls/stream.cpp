#include "braid/tls/stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/net/buffered_reader.hpp"
#include "braid/net/serve.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "braid/tls/error.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "tls/connection.hpp"
#include "tls/memory_stream.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

template <readable S>
task<std::string> read_to_end(S& from) {
  std::string all, part(5000, '\0');
  for (;;) {
    const std::size_t got = co_await from.read_some(part);
    if (got == 0) co_return all;
    all.append(part, 0, got);
  }
}

std::string numbered(std::size_t size) {
  std::string made;
  for (std::size_t i = 0; made.size() < size; ++i) made += std::to_string(i) + ' ';
  made.resize(size);
  return made;
}

template <byte_stream S>
task<> send_all(S& to, const std::string& text) {
  co_await to.write_all(text);
  co_await to.shutdown_send();
}

static_assert(byte_stream<tls::stream>);

}  // namespace

TEST_CASE("tls: bytes go both ways, in every style", "[tls]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = secure_pair(style);
  CHECK(near.version() == "TLSv1.3");
  CHECK(near.host_name() == "localhost");
  CHECK(far.host_name() == "localhost");
  CHECK(near.peer_subject() == "CN=localhost");
  CHECK(far.peer_subject().empty());
  CHECK(near.protocol().empty());
  CHECK(style.wait(near.write_all("hello\nworld\n")));
  buffered_reader lines(far);
  CHECK(style.wait(lines.read_line(100)).value() == "hello");
  CHECK(style.wait(lines.read_line(100)).value() == "world");
  CHECK(style.wait(far.write_some("answer")).value() == 6);
  std::string room(2, '?');
  CHECK(style.wait(near.read_some(room)).value() == 2);
  CHECK(room == "an");
  room.resize(4);
  CHECK(style.wait(near.read_exactly(room)));
  CHECK(room == "swer");
  // A half is closed; the other goes on.
  CHECK(style.wait(near.shutdown_send()));
  CHECK(style.wait(near.shutdown_send()));
  CHECK(style.wait(far.read_some(room)).value() == 0);
  CHECK(style.wait(far.read_some(room)).value() == 0);
  CHECK(style.wait(near.write_all("x")).error() == std::errc::broken_pipe);
  CHECK(style.wait(far.write_all("late")));
  CHECK(style.wait(near.read_exactly(room)));
  CHECK(room == "late");
  CHECK(style.wait(when_all(near.close(), far.close())));
  CHECK_FALSE(near.is_open());
  CHECK(style.wait(near.close()));
  CHECK(style.wait(near.read_some(room)).error() == std::errc::bad_file_descriptor);
}

TEST_CASE("tls: transfers of no bytes end at once, and on a closed stream they fail", "[tls]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = secure_pair(style);
  std::string none;
  CHECK(style.wait(near.read_some(none)).value() == 0);
  CHECK(style.wait(near.read_exactly(none)));
  CHECK(style.wait(near.write_some("")).value() == 0);
  CHECK(style.wait(near.write_all("")));
  tls::stream closed;
  CHECK_FALSE(closed.is_open());
  CHECK(style.wait(closed.read_some(none)).error() == std::errc::bad_file_descriptor);
  CHECK(style.wait(closed.read_exactly(none)).error() == std::errc::bad_file_descriptor);
  CHECK(style.wait(closed.write_some("")).error() == std::errc::bad_file_descriptor);
  CHECK(style.wait(closed.write_all("")).error() == std::errc::bad_file_descriptor);
  CHECK(style.wait(closed.shutdown_send()).error() == std::errc::bad_file_descriptor);
  CHECK(style.wait(closed.close()).error() == std::errc::bad_file_descriptor);
}

TEST_CASE("tls: large transfers both ways at once", "[tls]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = secure_pair(style);
  const std::string there = numbered(1'000'001), back = numbered(900'007);
  auto ended =
      style.wait(when_all(send_all(near, there), send_all(far, back), read_to_end(near), read_to_end(far)));
  REQUIRE(ended);
  CHECK((std::get<2>(*ended) == back));
  CHECK((std::get<3>(*ended) == there));
}

TEST_CASE("tls: over any stream, and over itself", "[tls]") {
  loop here;
  const auto at_once = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{100'000});
  const tls::context &serving = here_and_now().serving, &trusting = here_and_now().trusting;
  const auto talk = [&](auto both) -> task<> {
    auto shaking = when_all(tls::connect(std::move(both.first), "localhost", trusting),
                            tls::accept(std::move(both.second), serving));
    auto [outer_near, outer_far] = co_await std::move(shaking);
    auto again = when_all(tls::connect(std::move(outer_near), "localhost", trusting),
                          tls::accept(std::move(outer_far), serving));
    auto [near, far] = co_await std::move(again);
    const std::string text = numbered(40'000);
    auto talking = when_all(send_all(near, text), read_to_end(far));
    const auto ended = co_await std::move(talking);
    CHECK((std::get<1>(ended) == text));
    co_await far.close();
    co_await near.close();
  };
  here.run(talk(memory_stream::pair(at_once)));
}

TEST_CASE("tls: an end without a close_notify is no orderly end", "[tls]") {
  IN_EVERY_STYLE(style);
  loop here;
  connection both = connected_pair(style);
  const int far_number = both.far.number();
  auto shaking = style.wait(when_all(tls::connect(std::move(both.near), "localhost", here_and_now().trusting),
                                     tls::accept(std::move(both.far), here_and_now().serving)));
  auto& [near, far] = shaking.value();
  CHECK(style.wait(far.write_all("part")));
  ::shutdown(far_number, SHUT_WR);
  std::string room(10, '?');
  auto cut = style.wait(near.read_exactly(room));
  REQUIRE_FALSE(cut);
  CHECK(cut.error() == tls::errc::truncated);
  CHECK(cut.error().transferred() == 4);
  CHECK(cut.error().message() ==
        "tls::stream::read_exactly localhost: the connection ended without a close_notify");
  CHECK(style.wait(near.read_some(room)).error() == tls::errc::truncated);
  CHECK(style.wait(near.write_all("this way goes on")));
  room.resize(4);
  CHECK(style.wait(far.read_exactly(room)));
  CHECK(room == "this");
}

TEST_CASE("tls: abort says no last word", "[tls]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = secure_pair(style);
  CHECK(style.wait(far.write_all("part")));
  std::string room(4, '?');
  CHECK(style.wait(near.read_exactly(room)));
  CHECK(style.wait(far.abort()));
  CHECK_FALSE(far.is_open());
  CHECK(style.wait(near.read_some(room)).error() == std::errc::connection_reset);
  CHECK(style.wait(far.write_all("x")).error() == std::errc::bad_file_descriptor);
  CHECK(style.wait(far.abort()));  // as close, once more is nothing to do
  CHECK(style.wait(tls::stream().abort()).error() == std::errc::bad_file_descriptor);
}

TEST_CASE("tls: a reset of the connection is the error of the stream below", "[tls]") {
  IN_EVERY_STYLE(style);
  loop here;
  connection both = connected_pair(style);
  tcp::stream below = tcp::stream::from_descriptor(::dup(both.far.number()));
  auto shaking = style.wait(when_all(tls::connect(std::move(both.near), "localhost", here_and_now().trusting),
                                     tls::accept(std::move(both.far), here_and_now().serving)));
  auto& [near, far] = shaking.value();
  CHECK(style.wait(far.write_all("x")));
  std::string room(1, '?');
  CHECK(style.wait(near.read_exactly(room)));
  far = tls::stream();
  reset_peer_of(below);
  const auto reset = style.wait(near.read_some(room));
  REQUIRE_FALSE(reset);
  CHECK(reset.error() == std::errc::connection_reset);
}

TEST_CASE("tls: a peer that is gone after its close_notify is no error of close", "[tls]") {
  IN_EVERY_STYLE(style);
  loop here;
  connection both = connected_pair(style);
  tcp::stream below = tcp::stream::from_descriptor(::dup(both.far.number()));
  auto shaking = style.wait(when_all(tls::connect(std::move(both.near), "localhost", here_and_now().trusting),
                                     tls::accept(std::move(both.far), here_and_now().serving)));
  auto& [near, far] = shaking.value();
  const bool ends = GENERATE(true, false);
  if (ends) CHECK(style.wait(far.shutdown_send()));
  if (!ends) CHECK(style.wait(far.write_all("x")));
  std::string room(1, '?');
  CHECK(style.wait(near.read_some(room)).value() == (ends ? 0 : 1));
  far = tls::stream();
  reset_peer_of(below);
  CHECK(style.wait(near.read_some(room)).has_value() == ends);
  CHECK(style.wait(near.close()).has_value() == ends);
}

TEST_CASE("tls: a second read or write at a time fails and harms none", "[tls]") {
  loop here;
  auto [near, far] = secure_pair({});
  std::string room(4, '?'), other(4, '?');
  auto reading = spawn(near.read_exactly(room));
  CHECK_THROWS_AS(here.run(near.read_some(other)), std::logic_error);
  here.run(far.write_all("word"));
  here.run(std::move(reading));
  CHECK(room == "word");
}

TEST_CASE("tls: a cancelled read loses no byte", "[tls][cancellation]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  loop here;
  auto [near, far] = secure_pair(style);
  std::string got;
  for (int round = 0; round < 60; ++round) {
    std::string room(3, '?');
    auto reading = spawn(as_result(near.read_exactly(room)));
    const std::string word = std::to_string(round % 10);
    CHECK(style.wait(far.write_all(word)));
    for (int turns = 0; turns < round % 4; ++turns) here.turn(false);
    reading.request_stop();
    const auto ended = here.run(std::move(reading));
    got.append(room, 0, ended ? 3 : ended.error().transferred());
  }
  CHECK(style.wait(far.shutdown_send()));
  got += style.wait(read_to_end(near)).value();
  std::string sent;
  for (int round = 0; round < 60; ++round) sent += std::to_string(round % 10);
  CHECK(got == sent);
}

TEST_CASE("tls: what a cancelled write has encrypted goes out with the next one", "[tls][cancellation]") {
  const any_style style{any_style::coroutine};
  loop here;
  connection both = connected_pair(style);
  const int small = 64 << 10;
  ::setsockopt(both.near.number(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  ::setsockopt(both.far.number(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  auto shaking = style.wait(when_all(tls::connect(std::move(both.near), "localhost", here_and_now().trusting),
                                     tls::accept(std::move(both.far), here_and_now().serving)));
  auto& [near, far] = shaking.value();
  const std::string much = numbered(1'000'000);  // more than the sockets hold
  std::string accepted;
  for (int round = 0; round < 3; ++round) {
    auto writing = spawn(as_result(near.write_all(much)));
    for (int turns = 0; turns < 30 * (round + 1); ++turns) here.turn(false);
    writing.request_stop();
    const auto ended = here.run(std::move(writing));
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::operation_canceled);
    accepted += much.substr(0, ended.error().transferred());
  }
  CHECK(accepted.size() > 16'384);
  auto ended = style.wait(when_all(send_all(near, "the end"), read_to_end(far)));
  REQUIRE(ended);
  CHECK((std::get<1>(*ended) == accepted + "the end"));
}

TEST_CASE("tls: small messages take no allocation of the program", "[tls][exact]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = secure_pair(style);
  std::string room(64, '?');
  const std::string message(64, 'x');
  bool good = true;
  const auto round = [&] {
    good = style.wait(near.write_all(message)).has_value() &&
           style.wait(far.read_exactly(room)).has_value() && good;
  };
  for (int i = 0; i < 50; ++i) round();
  const allocation_count count;
  for (int i = 0; i < 50; ++i) round();
  const std::size_t made = count.made();
  CHECK(good);
  if (counts_allocations) CHECK(made == 0);
}

TEST_CASE("tls: leaves no error of OpenSSL behind, and heeds none of another's", "[tls]") {
  loop here;
  auto [near, far] = secure_pair({});
  std::string room(1, '?');
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  auto reading = spawn(near.read_exactly(room));
  here.run(yield());
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  here.run(far.write_all("x"));
  here.run(std::move(reading));
  CHECK(room == "x");
  const surroundings other;  // of another authority
  const shaken refused = shake_hands({}, other.trusting, here_and_now().serving);
  REQUIRE_FALSE(refused.near);
  CHECK(ERR_peek_error() == 0);
}

namespace {

// A client by blocking calls of OpenSSL: it asks for new keys, or for a renegotiation, between two messages.
void blocking_client(int socket, int version, std::string& answer) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, version);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, socket);
  std::string room(8, '?');
  if (SSL_connect(ssl) == 1) {
    SSL_write(ssl, "1234", 4);
    if (version == TLS1_3_VERSION) SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
    if (version == TLS1_2_VERSION) SSL_renegotiate(ssl), SSL_do_handshake(ssl);
    ERR_clear_error();
    SSL_write(ssl, "5678", 4);
    for (int got = 0, part = 1; got < 8 && part > 0; got += part)
      part = SSL_read(ssl, room.data() + got, 8 - got);
    answer = room;
    SSL_shutdown(ssl);
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  ERR_clear_error();
  ::close(socket);
}

}  // namespace

TEST_CASE("tls: the peer may change its keys, and may not renegotiate", "[tls][threads]") {
  const int version = GENERATE(TLS1_3_VERSION, TLS1_2_VERSION);
  loop here;
  connection both = connected_pair({});
  const int socket = both.near.release();
  std::string answer;
  std::thread client([&] { blocking_client(socket, version, answer); });
  const auto echo_twice = [&]() -> task<> {
    tls::stream peer = co_await tls::accept(std::move(both.far), here_and_now().serving);
    for (int i = 0; i < 2; ++i) {
      std::string room(4, '?');
      co_await peer.read_exactly(room);
      co_await peer.write_all(room);
    }
    std::string rest = co_await read_to_end(peer);
    CHECK(rest.empty());
  };
  const auto ended = here.run(as_result(echo_twice));
  client.join();
  CHECK(ended.has_value() == (version == TLS1_3_VERSION));
  if (ended) CHECK(answer == "12345678");
  // OpenSSL's client gives up when its renegotiation is refused.
  if (!ended) CHECK((ended.error() == tls::errc::refused || ended.error() == tls::errc::truncated));
}

TEST_CASE("tls: can be cancelled at each await", "[tls][cancellation]") {
  const auto program = []() -> task<> {
    const tcp::listener door = tcp::listen_now(endpoint::loopback());
    const auto server = [&]() -> task<> {
      tcp::stream accepted = co_await door.accept();
      tls::stream peer = co_await tls::accept(std::move(accepted), here_and_now().serving);
      std::string room(5, '?');
      co_await peer.read_exactly(room);
      co_await peer.write_all(room);
      co_await peer.close();
    };
    const auto client = [&]() -> task<> {
      tcp::stream plain = co_await tcp::connect(door.local_endpoint());
      tls::stream peer = co_await tls::connect(std::move(plain), "localhost", here_and_now().trusting);
      co_await peer.write_all("hello");
      std::string room(5, '?');
      co_await peer.read_exactly(room);
      CHECK(room == "hello");
      co_await peer.close();
    };
    auto both = when_all(server, client);
    co_await std::move(both);
  };
  // An end that is cancelled drops its connection, which is an error for the other one.
  CHECK(braid_tests::detail::every_cancellation(program, may_fail::with_anything, false) >= 10);
}
