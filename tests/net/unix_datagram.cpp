#include "braid/net/unix_datagram.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/loop/nop.hpp"
#include "braid/sim/world.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;
using unix_domain::address;
using unix_domain::datagram;

namespace {

template <std::size_t N>
std::string_view text_of(const std::array<char, N>& room, const unix_domain::message& got) {
  return {room.data(), got.size};
}

}  // namespace

TEST_CASE("unix_domain::datagram: each arrives by itself, with its sender", "[net][unix]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto before = open_descriptors();
  {
    loop here;
    for (const address& at : {address((folder / "inbox").string()), address()}) {
      auto inbox = style.wait(datagram::bind(at)).value();
      auto client = style.wait(datagram::connect(inbox.local_address())).value();
      const datagram stranger = datagram::bind_now({});
      std::array<char, 16> room{};
      for (const char* text : {"hello", "", "again"}) CHECK(style.wait(client.send(text)));
      CHECK(style.wait(stranger.send_to("and I", inbox.local_address())));
      for (const char* text : {"hello", "", "again"}) {
        const auto got = style.wait(inbox.receive_from(room));
        REQUIRE(got);
        CHECK(text_of(room, *got) == text);
        CHECK(got->from == client.local_address());
        CHECK_FALSE(got->truncated);
      }
      const auto got = style.wait(inbox.receive_from(std::span(room).first(3))).value();
      CHECK(got.truncated);
      CHECK(got.size == 3);
      CHECK(got.from == stranger.local_address());
      CHECK(style.wait(inbox.send_to("answer", client.local_address())));
      CHECK(text_of(room, style.wait(client.receive_from(room)).value()) == "answer");
      CHECK(style.wait(client.close()));
      CHECK(style.wait(inbox.close()));
      CHECK(::access((folder / "inbox").c_str(), F_OK) != 0);
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("unix_domain::datagram: a sender without a name is unnamed", "[net][unix]") {
  loop here;
  const datagram inbox = datagram::bind_now({});
  const auto unnamed = datagram::from_descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  here.run(unnamed.send_to("x", inbox.local_address()));
  std::array<char, 16> room{};
  CHECK(here.run(inbox.receive_from(room)).from == address());
}

// It is the receiver's queue that is full, and not the sender's buffer.
TEST_CASE("unix_domain::datagram: send waits for room, send_to says that there is none", "[net][unix]") {
  loop here;
  const datagram inbox = datagram::bind_now({});
  const datagram client = datagram::connect_now(inbox.local_address());
  const datagram stranger = datagram::bind_now({});
  std::vector<future<void>> sending;
  for (int n = 0; n < 1000; ++n) sending.push_back(spawn(client.send("x")));
  for (int turns = 0; turns < 5; ++turns) here.run(nop());
  CHECK_FALSE(sending.back().is_ready());
  const auto full = here.run(as_result(stranger.send_to("y", inbox.local_address())));
  REQUIRE_FALSE(full);
  CHECK(full.error() == std::errc::resource_unavailable_try_again);
  std::array<char, 16> room{};
  for (int n = 0; n < 1000; ++n)
    if (text_of(room, here.run(inbox.receive_from(room))) != "x") FAIL("datagram " << n);
  for (future<void>& each : sending) here.run(std::move(each));
}

TEST_CASE("unix_domain::datagram: failures name the address", "[net][unix][failure]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  loop here;
  const std::string path = (folder / "inbox").string();
  check_fails(style, datagram::connect(path), std::errc::no_such_file_or_directory, "datagram::connect",
              path);
  {
    const datagram stale = datagram::bind_now(path);
    check_fails(style, datagram::bind(path), std::errc::address_in_use, "datagram::bind", path);
    check_fails(style, datagram::bind(path, true), std::errc::address_in_use, "datagram::bind", path);
  }
  const int left = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const address at = path;
  REQUIRE(::bind(left, at.data(), at.size()) == 0);
  ::close(left);
  const auto connected = style.wait(datagram::bind(path, true));
  REQUIRE(connected);
  std::array<char, 16> room{};
  check_fails(style, connected->send("x"), std::errc::not_connected, "datagram::send", path);
  check_fails(style, connected->send_to("x", folder.path().string()), std::errc::connection_refused,
              "datagram::send_to", folder.path().string());
  check_fails(style, connected->send_to(std::string(1 << 24, 'x'), path), std::errc::message_size,
              "datagram::send_to", path);
  const datagram none;
  const auto bad = std::errc::bad_file_descriptor;
  check_fails(style, none.send("x"), bad, "datagram::send", "descriptor -1");
  check_fails(style, none.send_to("x", path), bad, "datagram::send_to", path);
  check_fails(style, none.receive_from(room), bad, "datagram::receive_from", "descriptor -1");
}

TEST_CASE("unix_domain::datagram: can be cancelled at each await, and a simulated world has none",
          "[net][unix][cancellation]") {
  const auto program = []() -> task<> {
    datagram inbox = datagram::bind_now({});
    const datagram client = co_await datagram::connect(inbox.local_address());
    co_await client.send("x");
    std::array<char, 16> room{};
    (void)co_await inbox.receive_from(room);
    co_await inbox.close();
  };
  CHECK(every_cancellation(program) >= 3);
  sim::world world(1);
  const auto ended = world.run_on(world.add_host("server"), as_result(datagram::bind({})));
  CHECK(ended.error() == std::errc::operation_not_supported);
}
