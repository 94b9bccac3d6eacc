#include "braid/sim/world.hpp"

#include <fcntl.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>

#include "braid/combine/when_all.hpp"
#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/net/tcp.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

using namespace braid;
using namespace std::chrono_literals;
using sim::fault;

namespace {

// Writes, syncs and reads back, and so can meet every fault of files.
task<std::string> store_and_load(std::string text) {
  file to = co_await open_file("/data", O_RDWR | O_CREAT | O_TRUNC);
  co_await to.write_all(text);
  co_await to.sync();
  std::string back(text.size(), '\0');
  for (std::size_t done = 0; done < back.size();) {
    const std::size_t got = co_await to.read_at(done, std::span(back).subspan(done));
    if (got == 0) break;
    done += got;
  }
  co_await to.close();
  co_return back;
}

// The same over a connection.
task<std::string> send_and_receive(std::string text) {
  tcp::listener at = co_await tcp::listen(endpoint("127.0.0.1", 0));
  tcp::stream one = co_await tcp::connect(at.local_endpoint());
  tcp::stream other = co_await at.accept();
  std::string back(text.size(), '\0');
  co_await when_all(one.write_all(text), other.read_exactly(back));
  co_return back;
}

struct expectation {
  fault what;
  std::errc code;
};

TEST_CASE("world: a file's fault fails one operation once, and the next attempt succeeds", "[sim][faults]") {
  for (const auto& [what, code] : {expectation{fault::io_error, std::errc::io_error},
                                   expectation{fault::no_space, std::errc::no_space_on_device},
                                   expectation{fault::no_descriptors, std::errc::too_many_files_open}}) {
    CAPTURE(sim::name_of(what));
    sim::world here(1);
    here.faults().add({.what = what, .nth = 1});
    const auto failed = here.run(as_result(store_and_load("text")));
    REQUIRE_FALSE(failed);
    CHECK(failed.error() == code);
    CHECK(here.run(store_and_load("text")) == "text");
    CHECK(here.faults().happened() == 1);
  }
}

TEST_CASE("world: a connection's fault fails its operation", "[sim][faults]") {
  for (const auto& [what, code] : {expectation{fault::no_buffers, std::errc::no_buffer_space},
                                   expectation{fault::no_descriptors, std::errc::too_many_files_open},
                                   expectation{fault::reset, std::errc::connection_reset},
                                   expectation{fault::refused, std::errc::connection_refused}}) {
    CAPTURE(sim::name_of(what));
    sim::world here(1);
    here.faults().add({.what = what, .nth = 1});
    const auto failed = here.run(as_result(send_and_receive("text")));
    REQUIRE_FALSE(failed);
    CHECK(failed.error() == code);
    CHECK(here.run(send_and_receive("text")) == "text");
  }
}

TEST_CASE("world: faults that braid handles are invisible to the program", "[sim][faults]") {
  const std::string text(1000, 'x');
  for (const fault what :
       {fault::interrupted, fault::would_block, fault::short_read, fault::short_write, fault::late}) {
    CAPTURE(sim::name_of(what));
    sim::world here(1);
    here.faults().add({.what = what, .probability = 0.5});
    CHECK(here.run(store_and_load(text)) == text);
    CHECK(here.run(send_and_receive(text)) == text);
    CHECK(here.faults().happened() > 0);
  }
}

TEST_CASE("world: a late completion arrives after the delay", "[sim][faults]") {
  sim::world here(1);
  here.faults().add({.what = fault::late, .nth = 1, .only = opcode::fsync, .delay = 3s});
  here.run(store_and_load("text"));
  CHECK(here.now().time_since_epoch() == 3s);
}

TEST_CASE("world: a fault of one host leaves the others alone", "[sim][faults]") {
  sim::world here(1);
  sim::host& one = here.add_host("one");
  sim::host& other = here.add_host("other");
  here.faults().add({.what = fault::io_error, .probability = 1, .host = "one"});
  CHECK_FALSE(here.run_on(one, as_result(store_and_load("text"))));
  CHECK(here.run_on(other, store_and_load("text")) == "text");
}

TEST_CASE("world: a host has a limit of descriptors", "[sim][faults]") {
  sim::world here(1);
  sim::host& small = here.add_host("small", {.most_descriptors = 2});
  const auto failed = here.run_on(small, as_result(send_and_receive("text")));
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == std::errc::too_many_files_open);
  CHECK(here.run_on(small, store_and_load("text")) == "text");
}

}  // namespace
