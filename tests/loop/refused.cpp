#include <linux/io_uring.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <system_error>

#include "braid/fs/file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "seccomp.hpp"

// io_uring is forbidden, wholly or in part. Containers do so by a seccomp filter, as these tests do in a
// child process.

namespace {

using namespace braid;
using braid_tests::child_end;
using braid_tests::contains;
using braid_tests::forbid;
using braid_tests::in_child;

// Tries to make a loop. Prints the error's code, and its message to standard error.
int try_a_loop() {
  const std::size_t open = braid_tests::open_descriptors();
  try {
    loop home({.backend = backend::uring});
  } catch (const std::system_error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    if (braid_tests::open_descriptors() != open) std::fprintf(stderr, "left a descriptor open\n");
    if (loop::current_or_null() != nullptr) std::fprintf(stderr, "the failed loop is the current one\n");
    return e.code().value();
  }
  return 0;
}

void is_no_loop(const child_end& ended, int code) {
  INFO(ended.errors);
  CHECK(ended.exit_status() == code);
  CHECK(ended.errors.find("left a descriptor open") == std::string::npos);
  CHECK(ended.errors.find("the failed loop is the current one") == std::string::npos);
}

// Uses files, timers and requests on a loop of this process.
int use_a_loop() {
  loop home({.backend = backend::uring});
  for (int n = 0; n < 1000; ++n) home.run(nop());
  file zero = home.run(open_file("/dev/zero"));
  std::array<char, 16> room;
  room.fill('x');
  home.run(zero.read_exactly(room));
  home.run(sleep_for(std::chrono::microseconds(1)));
  home.run(zero.close());
  return room == std::array<char, 16>{} ? 0 : 1;
}

TEST_CASE("loop: a kernel without io_uring is a clear error", "[loop][refused]") {
  const child_end ended = in_child([] {
    forbid(SYS_io_uring_setup, ENOSYS);
    return try_a_loop();
  });
  is_no_loop(ended, ENOSYS);
  CHECK_THAT(ended.errors, contains("the kernel has no io_uring, or a seccomp filter hides it"));
  CHECK_THAT(ended.errors, contains("Linux 5.19 or newer"));
  CHECK_THAT(ended.errors, contains("seccomp profile allow"));
}

TEST_CASE("loop: a seccomp filter against io_uring is a clear error", "[loop][refused]") {
  const child_end ended = in_child([] {
    forbid(SYS_io_uring_setup, EPERM);
    return try_a_loop();
  });
  is_no_loop(ended, EPERM);
  CHECK_THAT(ended.errors, contains("a seccomp filter or security module forbids io_uring"));
  CHECK_THAT(ended.errors,
             contains("seccomp profile allow io_uring_setup, io_uring_enter and io_uring_register"));
}

TEST_CASE("loop: run without a loop of its own passes the refusal on", "[loop][refused]") {
  const child_end ended = in_child([] {
    forbid(SYS_io_uring_setup, EPERM);
    ::setenv("BRAID_BACKEND", "uring", 1);
    run(nop());
  });
  CHECK(ended.exit_status() == braid_tests::threw);
  CHECK_THAT(ended.errors, contains("forbids io_uring"));
}

TEST_CASE("loop: each descriptor that a ring cannot get is a clear error", "[loop][refused]") {
  const int spare = GENERATE(0, 1);
  const child_end ended = in_child([spare] {
    const auto lowest = static_cast<rlim_t>(::dup(0));  // the number that open(2) would return next
    ::close(static_cast<int>(lowest));
    const rlimit few{lowest + static_cast<rlim_t>(spare), lowest + static_cast<rlim_t>(spare)};
    ::setrlimit(RLIMIT_NOFILE, &few);
    try {
      loop home;
    } catch (const std::system_error& e) {
      std::fprintf(stderr, "%s\n", e.what());
      return e.code().value();
    }
    return 0;
  });
  CHECK(ended.exit_status() == EMFILE);
  CHECK_THAT(ended.errors, contains("this process has no descriptor left: raise RLIMIT_NOFILE"));
}

TEST_CASE("loop: works if the ring's descriptor cannot be registered", "[loop][refused]") {
  const child_end ended = in_child([] {
    forbid(SYS_io_uring_register, IORING_REGISTER_RING_FDS, EPERM);
    return use_a_loop();
  });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("loop: a kernel that cannot be probed is a clear error", "[loop][refused]") {
  const int code = GENERATE(EPERM, ENOSYS);
  const child_end ended = in_child([code] {
    forbid(SYS_io_uring_register, static_cast<unsigned>(code));
    return try_a_loop();
  });
  INFO(ended.errors);
  CHECK(ended.exit_status() != 0);
  CHECK(ended.exit_status() != braid_tests::threw);
  CHECK_THAT(ended.errors, contains("io_uring_register"));
  CHECK(ended.errors.find("left a descriptor open") == std::string::npos);
  CHECK(ended.errors.find("the failed loop is the current one") == std::string::npos);
}

}  // namespace
