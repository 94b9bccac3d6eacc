#include "braid/loop/request.hpp"
#include "braid/loop/detail/perform.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include "catch.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;
using braid_tests::contains;

request at(opcode code, int descriptor, void* address = nullptr, std::size_t length = 0,
           std::uint64_t offset = request::current_position) {
  return {.code = code,
          .descriptor = descriptor,
          .address = address,
          .offset = offset,
          .length = static_cast<std::uint32_t>(length)};
}

TEST_CASE("perform: carries out each request as a plain system call", "[loop][request]") {
  const braid_tests::scratch_folder folder;
  std::string path = folder / "file", other = folder / "other", inner = folder / "inner";
  const int cwd = request::working_directory;

  request open = at(opcode::open, cwd, path.data(), 0600);
  open.flags = O_RDWR | O_CREAT | O_CLOEXEC;
  const int fd = detail::perform(open);
  REQUIRE(fd >= 0);
  char text[] = "hello";
  std::array<char, 16> room{};
  CHECK(detail::perform(at(opcode::write, fd, text, 5)) == 5);
  CHECK(detail::perform(at(opcode::write, fd, text, 5, 5)) == 5);
  CHECK(detail::perform(at(opcode::read, fd, room.data(), 16, 0)) == 10);
  CHECK(std::string_view(room.data(), 10) == "hellohello");
  CHECK(detail::perform(at(opcode::read, fd, room.data(), 16)) ==
        5);  // from the position, which the write moved
  CHECK(detail::perform(at(opcode::fsync, fd)) == 0);
  CHECK(detail::perform(at(opcode::truncate, fd, nullptr, 0, 3)) == 0);
  struct statx found{};
  char empty[] = "";
  request status = at(opcode::status, fd, empty, STATX_SIZE, reinterpret_cast<std::uint64_t>(&found));
  status.flags = AT_EMPTY_PATH;
  CHECK(detail::perform(status) == 0);
  CHECK(found.stx_size == 3);
  CHECK(detail::perform(at(opcode::rename, cwd, path.data(), static_cast<std::size_t>(cwd),
                           reinterpret_cast<std::uint64_t>(other.data()))) == 0);
  CHECK(detail::perform(at(opcode::make_directory, cwd, inner.data(), 0700)) == 0);
  request unlink = at(opcode::unlink, cwd, other.data());
  unlink.flags = 0;
  CHECK(detail::perform(unlink) == 0);
  CHECK(detail::perform(unlink) == -ENOENT);
  request remove = at(opcode::unlink, cwd, inner.data());
  remove.flags = AT_REMOVEDIR;
  CHECK(detail::perform(remove) == 0);
  CHECK(detail::perform(at(opcode::close, fd)) == 0);
  CHECK(detail::perform(at(opcode::close, fd)) == -EBADF);
  CHECK(detail::perform(at(opcode::nop, -1)) == 0);
  CHECK(detail::perform(at(opcode::count_, -1)) == -EINVAL);
  CHECK(std::filesystem::is_empty(folder / ""));
}

TEST_CASE("perform: carries out socket requests and polls", "[loop][request]") {
  const int fd = detail::perform({.code = opcode::socket, .descriptor = AF_UNIX, .offset = SOCK_STREAM});
  REQUIRE(fd >= 0);
  ::close(fd);
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  char text[] = "hello";
  std::array<char, 16> room{};
  CHECK(detail::perform(at(opcode::send, pair[0], text, 5)) == 5);
  CHECK(detail::perform({.code = opcode::poll, .descriptor = pair[1], .flags = POLLIN}) == POLLIN);
  CHECK(detail::perform(at(opcode::receive, pair[1], room.data(), 16)) == 5);
  CHECK(detail::perform({.code = opcode::shutdown, .descriptor = pair[0], .length = SHUT_WR}) == 0);
  CHECK(detail::perform(at(opcode::receive, pair[1], room.data(), 16)) == 0);
  CHECK(detail::perform(at(opcode::accept, pair[0])) == -EINVAL);
  for (const int each : pair) ::close(each);
}

TEST_CASE("perform: sends and receives messages", "[loop][request]") {
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  char text[] = "hello", room[4] = "";
  iovec part{text, 5};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  CHECK(detail::perform({.code = opcode::send_message, .descriptor = pair[0], .address = &message}) == 5);
  part = {room, sizeof room};
  CHECK(detail::perform({.code = opcode::receive_message, .descriptor = pair[1], .address = &message}) == 4);
  CHECK(message.msg_flags == MSG_TRUNC);
  CHECK(std::string_view(room, sizeof room) == "hell");
  for (const int each : pair) ::close(each);
}

TEST_CASE("request: only reads and receives fill a buffer", "[loop][request]") {
  char room[8];
  iovec part{room, 7};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  for (const opcode code : {opcode::read, opcode::receive}) {
    const request::buffer filled = request{.code = code, .address = room, .length = 8}.filled_buffer();
    CHECK(filled.address == room);
    CHECK(filled.length == 8);
  }
  const request::buffer filled =
      request{.code = opcode::receive_message, .address = &message}.filled_buffer();
  CHECK(filled.address == room);
  CHECK(filled.length == 7);
  message.msg_iovlen = 0;
  CHECK(request{.code = opcode::receive_message, .address = &message}.filled_buffer().address == nullptr);
  for (const opcode code : {opcode::write, opcode::open, opcode::send, opcode::send_message})
    CHECK(request{.code = code, .address = &message, .length = 8}.filled_buffer().address == nullptr);
}

}  // namespace
