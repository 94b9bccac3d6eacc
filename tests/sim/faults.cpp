#include "braid/sim/faults.hpp"

#include <cerrno>
#include <stdexcept>

#include "catch.hpp"

using namespace braid;
using sim::fault;

namespace {

constexpr request reading{.code = opcode::read, .length = 100};
constexpr request sending{.code = opcode::send, .length = 100};

TEST_CASE("fault_schedule: a fault happens once, to the nth request that it can hit", "[sim][faults]") {
  sim::choices draws(0);
  sim::fault_schedule all;
  all.add({.what = fault::io_error, .nth = 2});
  CHECK_FALSE(all.next(reading, "a", draws));
  CHECK_FALSE(all.next(sending, "a", draws));  // no such error
  const auto hit = all.next(reading, "a", draws);
  REQUIRE(hit);
  CHECK(hit->what == fault::io_error);
  CHECK_FALSE(all.next(reading, "a", draws));
  CHECK(all.happened() == 1);
}

TEST_CASE("fault_schedule: a rule can name one opcode and one host", "[sim][faults]") {
  sim::choices draws(0);
  sim::fault_schedule all;
  all.add({.what = fault::interrupted, .probability = 1, .only = opcode::send, .host = "b"});
  CHECK_FALSE(all.next(reading, "b", draws));
  CHECK_FALSE(all.next(sending, "a", draws));
  CHECK(all.next(sending, "b", draws));
}

TEST_CASE("fault_schedule: the first matching rule applies", "[sim][faults]") {
  sim::choices draws(0);
  sim::fault_schedule all;
  all.add({.what = fault::short_read, .nth = 2});
  all.add({.what = fault::io_error, .probability = 1});
  CHECK(all.next(reading, "", draws)->what == fault::io_error);
  CHECK(all.next(reading, "", draws)->what == fault::short_read);
  CHECK(all.next(reading, "", draws)->what == fault::io_error);
  all.clear();
  CHECK_FALSE(all.next(reading, "", draws));
}

TEST_CASE("fault_schedule: a fault happens with its probability", "[sim][faults]") {
  sim::choices draws(7);
  sim::fault_schedule all;
  all.add({.what = fault::interrupted, .probability = 0.25});
  for (int i = 0; i < 10'000; ++i) (void)all.next(reading, "", draws);
  CHECK(all.happened() > 2'300);
  CHECK(all.happened() < 2'700);
}

TEST_CASE("fault_schedule: refuses an invalid probability and a negative delay", "[sim][faults]") {
  sim::fault_schedule all;
  CHECK_THROWS_AS(all.add({.probability = 1.5}), std::invalid_argument);
  CHECK_THROWS_AS(all.add({.probability = -0.1}), std::invalid_argument);
  CHECK_THROWS_AS(all.add({.probability = 0.0 / 0.0}), std::invalid_argument);
  CHECK_THROWS_AS(all.add({.delay = std::chrono::seconds(-1)}), std::invalid_argument);
}

TEST_CASE("fault: every fault hits some request and has a name", "[sim][faults]") {
  for (auto what = fault::interrupted; what <= fault::delayed; what = static_cast<fault>(int(what) + 1)) {
    int hits = 0;
    for (int code = 0; code < int(opcode::count_); ++code) hits += sim::can_hit(what, opcode(code)) ? 1 : 0;
    CHECK(hits > 0);
    CHECK(std::string(sim::name_of(what)) != "unknown");
    CHECK_FALSE(sim::can_hit(what, opcode::close));
  }
  CHECK(sim::result_of(fault::no_descriptors) == -EMFILE);
  CHECK(sim::result_of(fault::no_system_descriptors) == -ENFILE);
  CHECK(sim::result_of(fault::late) == 0);
}

}  // namespace
