#include "braid/net/unix_domain.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/buffered_reader.hpp"
#include "braid/net/byte_stream.hpp"
#include "braid/sim/world.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;
using unix_domain::address;

namespace {

static_assert(byte_stream<unix_domain::stream>);

struct pair {
  unix_domain::stream near, far;
};
// Both ends of a connection.
pair local_pair() {
  const auto door = unix_domain::listen_now({});
  auto both = when_all(unix_domain::connect(door.local_address()), door.accept());
  auto [near, far] = loop::current().run(std::move(both));
  return {std::move(near), std::move(far)};
}

std::string in(const scratch_folder& folder, const std::string& name) { return (folder / name).string(); }
bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

int close_on_exec(const descriptor& which) { return ::fcntl(which.number(), F_GETFD) & FD_CLOEXEC; }

// Pipes of which one end each is sent to the peer.
struct pipes {
  explicit pipes(std::size_t count) : all(count) {
    for (const pipe_ends& each : all) readers.push_back(each.reader());
  }
  std::vector<pipe_ends> all;
  std::vector<int> readers;
};

// Makes a socket's file that no socket uses.
void leave_stale(const std::string& path, int type) {
  const descriptor made(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const address at = path;
  if (::bind(made.number(), at.data(), at.size()) != 0) FAIL(path);
}

}  // namespace

TEST_CASE("unix_domain::address: is a path, an abstract name, or nothing", "[net][unix]") {
  CHECK(address("/run/app.sock").to_string() == "/run/app.sock");
  CHECK(address("/run/app.sock").path() == "/run/app.sock");
  CHECK(address::abstract("app").to_string() == "@app");
  CHECK(address::abstract("app").path().empty());
  CHECK(address().to_string() == "unnamed");
  CHECK(address("a") == address(std::string("a")));
  CHECK(address("a") != address::abstract("a"));
  const std::string longest(address::most_bytes, 'x');
  CHECK(address(longest).path() == longest);
  CHECK(address::abstract(longest).to_string() == "@" + longest);
  for (const bool abstract : {false, true}) {
    const std::string longer = longest + "x";
    const auto made = [&](const std::string& text) {
      return abstract ? address::abstract(text) : address(text);
    };
    CHECK_THROWS_WITH(made(longer), contains("'" + longer + "' of 108 bytes, where 107 is the limit"));
    CHECK_THROWS_WITH(made(""), contains("unix_domain::address ''"));
    CHECK_THROWS_WITH(made(std::string("a\0b", 3)), contains("with a zero byte in it"));
  }
  CHECK_THROWS_AS(address(sockaddr_un{.sun_family = AF_INET, .sun_path = {}}, sizeof(sockaddr_un)),
                  std::system_error);
}

TEST_CASE("unix_domain: transfers bytes both ways until the end", "[net][unix]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto before = open_descriptors();
  {
    loop here;
    const std::string longest = in(folder, std::string(address::most_bytes - in(folder, "").size(), 'x'));
    for (const address& at :
         {address(in(folder, "door")), address(longest), address::abstract("braid-test"), address()}) {
      auto door = style.wait(unix_domain::listen(at)).value();
      CHECK(exists(at.path()) == !at.path().empty());
      if (at != address()) CHECK(door.local_address() == at);
      auto arriving = door.incoming();
      auto both = style.wait(when_all(unix_domain::connect(door.local_address()), arriving.next()));
      REQUIRE(both);
      auto& [near, far] = *both;
      const std::string sent(1 << 20, 'x');
      std::string got(sent.size(), '?');
      CHECK(style.wait(when_all(near.write_all(sent), far.read_exactly(got))));
      CHECK(got == sent);
      CHECK(style.wait(far.write_some("hello\n")).value() == 6);
      buffered_reader lines(near);
      CHECK(style.wait(lines.read_line(10)).value() == "hello");
      CHECK(style.wait(near.shutdown_send()));
      CHECK(style.wait(far.read_some(got)).value() == 0);
      CHECK(far.peer_credentials().process == ::getpid());
      CHECK(near.peer_credentials().user == ::geteuid());
      CHECK(near.peer_credentials().group == ::getegid());
      CHECK(style.wait(near.close()));
      CHECK(style.wait(far.close()));
      CHECK(style.wait(door.close()));
      CHECK_FALSE(exists(at.path()));
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("unix_domain: failures name the address", "[net][unix][failure]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  loop here;
  const std::string path = in(folder, "door");
  check_fails(style, unix_domain::connect(path), std::errc::no_such_file_or_directory, "unix_domain::connect",
              path);
  check_fails(style, unix_domain::connect(address::abstract("nobody")), std::errc::connection_refused,
              "unix_domain::connect", "@nobody");
  check_fails(style, unix_domain::listen(in(folder, "none/door")), std::errc::no_such_file_or_directory,
              "unix_domain::listen", "none/door");
  const auto door = unix_domain::listen_now(path);
  check_fails(style, unix_domain::listen(path), std::errc::address_in_use, "unix_domain::listen", path);
  {
    auto [near, far] = local_pair();
    CHECK(style.wait(near.write_all("lost")));
    CHECK(style.wait(near.close()));
    std::string room(5, '?');
    check_fails(style, far.read_exactly(room), make_error_code(errc::end_of_stream), "stream::read_exactly",
                "@");
    check_fails(style, far.write_all("x"), std::errc::broken_pipe, "stream::write_all", "@");
  }
  unix_domain::stream none;
  std::string room(4, '?');
  const auto bad = std::errc::bad_file_descriptor;
  check_fails(style, none.receive_descriptors(room, 1), bad, "stream::receive_descriptors", "descriptor -1");
  check_fails(style, none.receive_descriptors(std::span(room).first(0), 1), bad,
              "stream::receive_descriptors", "descriptor -1");
  check_fails(style, none.send_descriptors("x", {}), bad, "stream::send_descriptors", "descriptor -1");
  CHECK_THROWS_WITH(none.peer_credentials(), contains("stream::peer_credentials descriptor -1"));
  CHECK_THROWS_WITH(unix_domain::listener().local_address(),
                    contains("listener::local_address descriptor -1"));
}

TEST_CASE("unix_domain: a stale file is an error, unless it is to be replaced", "[net][unix][failure]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  loop here;
  const std::string path = in(folder, "door"), text = in(folder, "text");
  const unix_domain::listen_options replaces{.replace_stale = true};
  leave_stale(path, SOCK_STREAM);
  check_fails(style, unix_domain::listen(path), std::errc::address_in_use, "unix_domain::listen", path);
  {
    const auto door = style.wait(unix_domain::listen(path, replaces));
    REQUIRE(door);
    CHECK(style.wait(unix_domain::connect(path)));
    // neither a socket that is in use nor a file of another kind is removed
    check_fails(style, unix_domain::listen(path, replaces), std::errc::address_in_use, "unix_domain::listen",
                path);
    CHECK(style.wait(unix_domain::connect(path)));
  }
  CHECK_FALSE(exists(path));
  ::close(::open(text.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  check_fails(style, unix_domain::listen(text, replaces), std::errc::address_in_use, "unix_domain::listen",
              text);
  CHECK(exists(text));
}

TEST_CASE("unix_domain: only a file that is the listener's own is removed", "[net][unix]") {
  const scratch_folder folder;
  const std::string path = in(folder, "door");
  {
    auto door = unix_domain::listen_now(path);
    auto moved = std::move(door);
    CHECK(exists(path));
    ::unlink(path.c_str());
    const auto other = unix_domain::listen_now(path);
    moved = unix_domain::listener();
    CHECK(exists(path));
    const int adopted = ::dup(other.number());
    (void)unix_domain::listener::from_descriptor(adopted);
    CHECK(exists(path));
    CHECK(in_child([&] {
            const auto copy = std::move(const_cast<unix_domain::listener&>(other));
          }).exit_status() == 0);
    CHECK(exists(path));
  }
  CHECK_FALSE(exists(path));
}

TEST_CASE("unix_domain: descriptors arrive with the first byte, owned and close-on-exec", "[net][unix]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    auto [near, far] = local_pair();
    const pipes sent(3);
    const std::string text(1 << 20, 'x');  // needs several system calls
    std::string rest(text.size(), '?');
    std::size_t first = 0;
    const auto receives = [&]() -> task<unix_domain::received> {
      unix_domain::received got = co_await far.receive_descriptors(rest, 3);
      first = got.size;
      const std::span left = std::span(rest).subspan(first);
      co_await far.read_exactly(left);
      co_return got;
    };
    auto both = style.wait(when_all(near.send_descriptors(text, sent.readers), receives()));
    REQUIRE(both);
    const unix_domain::received& got = std::get<1>(*both);
    CHECK(rest == text);
    CHECK_FALSE(got.lost);
    REQUIRE(got.descriptors.size() == 3);
    for (std::size_t n = 0; n != 3; ++n) {
      CHECK(close_on_exec(got.descriptors[n]) != 0);
      CHECK(::write(sent.all[n].writer(), "y", 1) == 1);
      char letter = '?';
      CHECK(::read(got.descriptors[n].number(), &letter, 1) == 1);
    }
    // without descriptors it is a plain write and read
    CHECK(style.wait(near.send_descriptors("plain", {})));
    const auto plain = style.wait(far.receive_descriptors(rest, 3));
    REQUIRE(plain);
    CHECK(plain->size == 5);
    CHECK(plain->descriptors.empty());
    CHECK(style.wait(far.receive_descriptors(std::span(rest).first(0), 3)).value().size == 0);
    CHECK(style.wait(near.close()));
    CHECK(style.wait(far.receive_descriptors(rest, 3)).value().size == 0);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("unix_domain: descriptors that nobody asked for are closed", "[net][unix]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    auto [near, far] = local_pair();
    std::array<char, 8> room{};
    for (const std::size_t most : {0, 1, 2, 3, 4}) {
      const pipes sent(4);
      CHECK(style.wait(near.send_descriptors("x", sent.readers)));
      const auto got = style.wait(far.receive_descriptors(room, most));
      REQUIRE(got);
      CHECK(got->size == 1);
      CHECK(got->descriptors.size() == most);
      CHECK(got->lost == (most < 4));
    }
    const pipes sent(2);
    CHECK(style.wait(near.send_descriptors("x", sent.readers)));
    CHECK(style.wait(far.read_some(room)).value() == 1);
    CHECK(style.wait(near.send_descriptors("x", sent.readers)));  // never received
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("unix_domain: a message of descriptors that cannot be sent is an error that says why",
          "[net][unix][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = local_pair();
  const std::vector<int> many(254, STDERR_FILENO), most(253, STDERR_FILENO), bad{987'654};
  const char* const call = "stream::send_descriptors";
  const auto invalid = std::errc::invalid_argument;
  check_fails(style, near.send_descriptors("x", many), invalid, call,
              "254 descriptors, where 253 is the limit");
  check_fails(style, near.send_descriptors("", most), invalid, call, "without a byte that carries them");
  check_fails(style, near.send_descriptors("x", bad), std::errc::bad_file_descriptor, call, "@");
  CHECK(style.wait(near.send_descriptors("x", most)));
  std::array<char, 8> room{};
  CHECK(style.wait(far.receive_descriptors(room, 1000)).value().descriptors.size() == 253);
  // A part that was written before the peer went is reported.
  const std::string much(1 << 24, 'x');
  auto sending = spawn(near.send_descriptors(much, {}));
  here.run(nop());
  here.run(far.close());
  const auto ended = here.run(as_result(std::move(sending)));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::broken_pipe);
  CHECK(ended.error().transferred() > 0);
}

TEST_CASE("unix_domain: without room for descriptors those that do not fit are lost",
          "[net][unix][failure]") {
  IN_EVERY_STYLE(style);
  if (!style.works_in_child()) return;
  const auto ended = in_child([&] {
    loop here;
    auto [near, far] = local_pair();
    const std::vector<int> two(2, STDERR_FILENO);
    const auto full = unix_domain::listen_now({});
    auto client = spawn(unix_domain::connect(full.local_address()));
    here.run(nop());
    if (!style.wait(near.send_descriptors("x", two))) throw std::runtime_error("send");
    leave_no_descriptors();
    expect_in_child(style, unix_domain::listen({}), std::errc::too_many_files_open);
    expect_in_child(style, unix_domain::connect({}), std::errc::too_many_files_open);
    expect_in_child(style, full.accept(), std::errc::too_many_files_open);
    std::array<char, 8> room{};
    const auto got = style.wait(far.receive_descriptors(room, 2));
    if (!got || !got->lost || !got->descriptors.empty() || got->size != 1)
      throw std::runtime_error("receive");
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("unix_domain: can be cancelled at each await, and loses no descriptor",
          "[net][unix][cancellation]") {
  const auto before = open_descriptors();
  const auto program = []() -> task<> {
    auto door = unix_domain::listen_now({});
    const auto client = [&door]() -> task<> {
      auto near = co_await unix_domain::connect(door.local_address());
      const int sent = STDERR_FILENO;
      std::array<char, 1> room;
      co_await near.read_exactly(room);
      co_await near.send_descriptors("x", std::span(&sent, 1));
    };
    const auto server = [&door]() -> task<> {
      const auto far = co_await door.accept();
      co_await far.write_all("y");
      std::array<char, 1> room;
      auto receiving = far.receive_descriptors(room, 1);
      const unix_domain::received got = co_await std::move(receiving);
      CHECK(got.descriptors.size() == 1);
    };
    auto both = when_all(client, server);
    (void)co_await std::move(both);
    co_await door.close();
  };
  CHECK(every_cancellation_with_memory(program) >= 4);
  CHECK(open_descriptors() == before);
}

TEST_CASE("unix_domain: a simulated world has no such sockets", "[net][unix][sim]") {
  sim::world world(1);
  const auto tries = []() -> task<> {
    auto listening = as_result(unix_domain::listen("/run/app.sock"));
    const auto door = co_await std::move(listening);
    CHECK(door.error() == std::errc::operation_not_supported);
    auto connecting = as_result(unix_domain::connect("/run/app.sock"));
    const auto near = co_await std::move(connecting);
    CHECK(near.error() == std::errc::operation_not_supported);
    CHECK_THAT(near.error().message(), contains("unix_domain::connect /run/app.sock"));
  };
  world.run_on(world.add_host("server"), tries());
}
