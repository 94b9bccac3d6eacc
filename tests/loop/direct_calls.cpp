#include "braid/loop/direct_calls.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "braid/loop/loop.hpp"
#include "catch.hpp"
#include "descriptors.hpp"

using namespace braid;
using braid_tests::contains;

TEST_CASE("direct_calls: a thread without a loop, and a ring, use the kernel's calls", "[loop]") {
  CHECK(&direct_calls::current() == &direct_calls::of_kernel());
  loop here;
  CHECK(&direct_calls::current() == &here.operations().direct());
  if (std::string(here.reactor_name()) == "io_uring")
    CHECK(&here.operations().direct() == &direct_calls::of_kernel());
}

TEST_CASE("direct_calls: a failure is minus the errno", "[loop]") {
  direct_calls& kernel = direct_calls::of_kernel();
  sockaddr_storage name{};
  CHECK(kernel.socket(-1, SOCK_STREAM, 0) == -EAFNOSUPPORT);
  CHECK(kernel.bind(-1, nullptr, 0) == -EBADF);
  CHECK(kernel.listen(-1, 1) == -EBADF);
  CHECK(kernel.connect(-1, nullptr, 0) == -EBADF);
  CHECK(kernel.set_option(-1, SOL_SOCKET, SO_REUSEADDR, &name, 4) == -EBADF);
  socklen_t length = sizeof name;
  CHECK(kernel.get_option(-1, SOL_SOCKET, SO_REUSEADDR, &name, length) == -EBADF);
  CHECK(kernel.send_message(-1, msghdr(), MSG_DONTWAIT) == -EBADF);
  CHECK(kernel.local_name(-1, name) == -EBADF);
  CHECK(kernel.peer_name(-1, name) == -EBADF);
  CHECK(kernel.close(-1) == -EBADF);
}

TEST_CASE("direct_calls: looks up a host", "[loop]") {
  std::vector<sockaddr_storage> found;
  REQUIRE(direct_calls::of_kernel().look_up("127.0.0.1", "80", found) == 0);
  CHECK(found.at(0).ss_family == AF_INET);
  CHECK(direct_calls::of_kernel().look_up("127.0.0.1", "no such service", found) == EAI_SERVICE);
}

TEST_CASE("describe: names what a descriptor stands for", "[loop][request]") {
  const int directory = ::open("/etc", O_RDONLY | O_CLOEXEC);
  CHECK(describe(directory) == "/etc");
  ::close(directory);
  braid_tests::pipe_ends pipe;
  CHECK_THAT(describe(pipe.reader()), contains("descriptor " + std::to_string(pipe.reader()) + " (pipe:"));
  CHECK(describe(-1) == "descriptor -1");
  CHECK(describe(987'654) == "descriptor 987654");
}
