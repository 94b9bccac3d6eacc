#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "catch.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"

namespace braid_tests {

/// Checks that the operation fails with `expected` and a message that names its call and its object, and that
/// it leaks no descriptor.
template <class S>
void check_fails(const any_style& style, S&& op, std::error_code expected, const std::string& call,
                 const std::string& object) {
  const auto before = open_descriptors();
  {
    auto ended = style.wait(std::forward<S>(op));
    REQUIRE_FALSE(ended);
    CHECK(ended.error().code() == expected);
    CHECK(ended.error().call() == call);
    CHECK_THAT(ended.error().message(), contains(call + " "));
    CHECK_THAT(ended.error().message(), contains(object));
    CHECK_THAT(ended.error().message(), contains(expected.message()));
    try {
      ended.error().rethrow();
    } catch (const std::system_error& thrown) {
      CHECK(thrown.code() == expected);
      CHECK(thrown.what() == ended.error().message());
    }
  }
  CHECK(open_descriptors() == before);
}
/// The same for a std::errc.
template <class S>
void check_fails(const any_style& style, S&& op, std::errc expected, const std::string& call,
                 const std::string& object) {
  check_fails(style, std::forward<S>(op), std::make_error_code(expected), call, object);
}

/// From now on this process can open no descriptor. Call it in a child process.
inline void leave_no_descriptors() {
  const int lowest_free = ::dup(STDERR_FILENO);
  ::close(lowest_free);
  const rlimit none_left{static_cast<rlim_t>(lowest_free), 1024};
  if (::setrlimit(RLIMIT_NOFILE, &none_left) != 0)
    throw std::system_error(errno, std::generic_category(), "setrlimit");
}

/// Throws unless the operation fails with `expected`.
template <class S>
void expect_in_child(const any_style& style, S&& op, std::errc expected) {
  auto ended = style.wait(std::forward<S>(op));
  if (ended || ended.error() != expected)
    throw std::runtime_error(ended ? "the operation did not fail" : ended.error().message());
}

}  // namespace braid_tests
