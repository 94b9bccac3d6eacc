// A program outside the tree that uses an installed braid-postgres.

#include <braid/postgres/connection.hpp>
#include <braid/style/as_result.hpp>
#include <braid/style/run.hpp>

#include <cstdio>
#include <utility>

int main() {
  // Nothing listens there.
  auto connecting = braid::as_result(braid::postgres::connect("host=127.0.0.1 port=1 user=ann"));
  const auto ended = braid::run(std::move(connecting));
  std::printf("%s\n", ended ? "connected" : ended.error().message().c_str());
  return !ended && ended.error() == braid::postgres::errc::connect_failed ? 0 : 1;
}
