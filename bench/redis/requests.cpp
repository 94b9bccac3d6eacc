// Commands a second of redis::client beside hiredis's own blocking client, with the same server, in turn
// within each round: redis_requests SOCKET [ROUNDS]. Start one with
// `redis-server --port 0 --unixsocket SOCKET --save ""`. Prints a table of medians.

#include <hiredis/hiredis.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/loop/loop.hpp"
#include "braid/redis/client.hpp"
#include "braid/style/task.hpp"

namespace {

using namespace braid;

constexpr auto time_of_one = std::chrono::milliseconds(200);
constexpr int in_flight[] = {1, 64};

using clock_type = std::chrono::steady_clock;

struct free_context {
  void operator()(redisContext* one) const noexcept { ::redisFree(one); }
};

void check(redisContext* to) {
  void* reply = nullptr;
  if (::redisGetReply(to, &reply) != REDIS_OK) throw std::runtime_error("redis_requests: hiredis has failed");
  const auto* const got = static_cast<redisReply*>(reply);
  const bool is_right = got->type == REDIS_REPLY_STRING && std::string(got->str, got->len) == "hello";
  ::freeReplyObject(reply);
  if (!is_right) throw std::runtime_error("redis_requests: another reply");
}

// Sends `count` commands, and then waits for their replies, again and again.
double blocking(const std::string& socket, int count) {
  const std::unique_ptr<redisContext, free_context> to(::redisConnectUnix(socket.c_str()));
  if (!to || to->err != 0) throw std::runtime_error("redis_requests: no server at " + socket);
  long done = 0;
  const auto begun = clock_type::now();
  while (clock_type::now() - begun < time_of_one) {
    for (int i = 0; i < count; ++i) ::redisAppendCommand(to.get(), "GET greeting");
    for (int i = 0; i < count; ++i) check(to.get());
    done += count;
  }
  return static_cast<double>(done) / std::chrono::duration<double>(clock_type::now() - begun).count();
}

task<> get_until(redis::client& from, clock_type::time_point end, long& done) {
  while (clock_type::now() < end) {
    const auto got = co_await from.get("greeting");
    if (got != "hello") throw std::runtime_error("redis_requests: another reply");
    ++done;
  }
}

// As many tasks, each with one command at a time.
double with_braid(const std::string& socket, int count) {
  loop here;
  redis::client from{unix_domain::address(socket)};
  here.run(from.set("greeting", "hello"));
  long done = 0;
  const auto begun = clock_type::now();
  std::vector<task<>> all;
  for (int i = 0; i < count; ++i) all.push_back(get_until(from, begun + time_of_one, done));
  here.run(when_all(std::move(all)));
  const double took = std::chrono::duration<double>(clock_type::now() - begun).count();
  here.run(from.close());
  return static_cast<double>(done) / took;
}

double median(std::vector<double> of) {
  std::ranges::nth_element(of, of.begin() + std::ssize(of) / 2);
  return of[of.size() / 2];
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return std::fprintf(stderr, "redis_requests SOCKET [ROUNDS]\n"), 2;
  const std::string socket = arguments[1];
  const int rounds = count > 2 ? std::atoi(arguments[2]) : 15;
  std::vector<double> rates[std::size(in_flight)], raw[std::size(in_flight)], ratios[std::size(in_flight)];
  (void)with_braid(socket, 1);  // sets the key
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i != std::size(in_flight); ++i) {
      raw[i].push_back(blocking(socket, in_flight[i]));
      rates[i].push_back(with_braid(socket, in_flight[i]));
      ratios[i].push_back(rates[i].back() / raw[i].back());
    }
  }
  std::printf("| GET of 5 bytes | hiredis, a second | braid, a second | ratio |\n|---|---|---|---|\n");
  for (std::size_t i = 0; i != std::size(in_flight); ++i)
    std::printf("| %d in flight | %.0f | %.0f | %.2f |\n", in_flight[i], median(raw[i]), median(rates[i]),
                median(ratios[i]));
  return 0;
}
