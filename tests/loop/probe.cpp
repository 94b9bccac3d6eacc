#include "braid/loop/probe.hpp"

#include <sys/resource.h>

#include "braid/loop/loop.hpp"
#include "catch.hpp"
#include "descriptors.hpp"

namespace {

// While one of these lives, this process can open no further descriptor.
class no_more_descriptors {
 public:
  no_more_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  no_more_descriptors(const no_more_descriptors&) = delete;
  no_more_descriptors& operator=(const no_more_descriptors&) = delete;
  ~no_more_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("probe_io_uring: says usable if a loop can be made", "[loop][probe]") {
  bool made = true;
  try {
    braid::loop here;
  } catch (const std::system_error&) {
    made = false;
  }
  const braid::io_uring_report found = braid::probe_io_uring();
  CHECK(found.usable() == made);
  CHECK(found.setup_flags.empty() == !made);
  CHECK(found.cause.empty() == made);
  CHECK(found.remedy.empty() == made);
}

TEST_CASE("probe_io_uring: a refusal has the loop's own error code, its cause and its remedy",
          "[loop][probe]") {
  REQUIRE(braid::probe_io_uring().usable());
  std::error_code of_loop;
  braid::io_uring_report found;
  {
    no_more_descriptors limit;
    found = braid::probe_io_uring();
    try {
      braid::loop here;
    } catch (const std::system_error& refused) {
      of_loop = refused.code();
    }
  }
  CHECK_FALSE(found.usable());
  CHECK(found.refused == std::errc::too_many_files_open);
  CHECK(found.refused == of_loop);
  CHECK_THAT(found.cause, braid_tests::contains("no descriptor left"));
  CHECK_THAT(found.remedy, braid_tests::contains("RLIMIT_NOFILE"));
  CHECK(found.setup_flags.empty());
}

TEST_CASE("probe_io_uring: leaves no descriptor open", "[loop][probe]") {
  const auto before = braid_tests::open_descriptors();
  (void)braid::probe_io_uring();
  CHECK(braid_tests::open_descriptors() == before);
}
