#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/base/unique_function.hpp"
#include "braid/loop/loop.hpp"
#include "braid/net/buffered_reader.hpp"
#include "braid/net/serve.hpp"
#include "braid/net/tcp.hpp"
#include "braid/redis/client.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

namespace braid_tests {

using words = std::vector<std::string>;
using arriving = braid::buffered_reader<braid::tcp::stream>;

/// The words of the next command, or none at the end of the connection.
inline braid::task<std::optional<words>> words_of(arriving& from) {
  words all;
  const std::optional<std::string> head = co_await from.read_line(100);
  if (!head) co_return std::nullopt;
  for (int left = std::stoi(head->substr(1)); left != 0; --left) {
    const std::optional<std::string> length = co_await from.read_line(100);
    std::string word(std::stoul(length->substr(1)) + 2, ' ');
    co_await from.read_exactly(word);
    word.resize(word.size() - 2);
    all.push_back(std::move(word));
  }
  co_return all;
}

/// Answers the PING with which a client begins. False if there was none.
inline braid::task<bool> greet(arriving& from, braid::tcp::stream& client) {
  const std::optional<words> asked = co_await words_of(from);
  if (!asked || *asked != words{"PING"}) co_return false;
  co_await client.write_all("+PONG\r\n");
  co_return true;
}

inline std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

/// What a played server has seen.
struct acted_state {
  using part = braid::unique_function<braid::task<>(acted_state&, braid::tcp::stream&, int)>;
  part played;
  braid::tcp::listener door;
  std::vector<words> seen;  // the commands that `answer` and its like have read
  int connections = 0;
};

/// Plays a Redis server on loopback: what it does with the nth connection is the test's to say.
class acted_server {
 public:
  explicit acted_server(acted_state::part played)
      : state_(std::make_shared<acted_state>(
            acted_state{std::move(played), braid::tcp::listen_now(braid::endpoint::loopback()), {}})),
        at(state_->door.local_endpoint()),
        seen(state_->seen),
        connections(state_->connections),
        serving_(braid::spawn(serve(state_))) {}
  ~acted_server() {
    if (serving_.valid()) serving_.request_stop();
  }
  /// Ends all connections, and listens no more.
  braid::task<> close() {
    serving_.request_stop();
    auto ending = braid::as_result(std::move(serving_));
    (void)co_await std::move(ending);
    co_await state_->door.close();
  }
  /// Is there again after close().
  void revive() {
    state_->door = braid::tcp::listen_now(at);
    serving_ = braid::spawn(serve(state_));
  }

 private:
  static braid::task<> serve(std::shared_ptr<acted_state> state) {
    const auto one = [&state](braid::tcp::stream client) -> braid::task<> {
      const int number = state->connections++;
      co_await state->played(*state, client, number);
    };
    braid::serve_options quiet;
    quiet.on_error = [](const braid::error&) {};
    co_await braid::tcp::serve(state->door, one, std::move(quiet));
  }
  std::shared_ptr<acted_state> state_;

 public:
  const braid::endpoint at;
  std::vector<words>& seen;
  int& connections;

 private:
  braid::future<void> serving_;
};

/// What a small server answers: ECHO its word, PING, SET and GET of one value, and OK.
inline std::string answer_to(const words& asked, std::string& kept) {
  if (asked[0] == "ECHO") return bulk(asked[1]);
  if (asked[0] == "PING") return "+PONG\r\n";
  if (asked[0] == "GET") return kept.empty() ? "$-1\r\n" : bulk(kept);
  if (asked[0] == "SET") kept = asked[2];
  if (asked[0] == "FAIL") return "-ERR you asked for it\r\n";
  return "+OK\r\n";
}
/// Answers commands until the client ends.
inline braid::task<> answer_rest(acted_state& self, braid::tcp::stream& client, arriving& from) {
  std::string kept;
  for (bool more = true; more;) {
    const std::optional<words> asked = co_await words_of(from);
    more = asked.has_value();
    if (!more) break;
    self.seen.push_back(*asked);
    const std::string reply = answer_to(*asked, kept);
    co_await client.write_all(reply);
  }
}
inline braid::task<> answer(acted_state& self, braid::tcp::stream& client, int) {
  arriving from(client);
  co_await answer_rest(self, client, from);
}
/// Reads commands, and answers none.
inline braid::task<> ignore(acted_state& self, arriving& from) {
  for (bool more = true; more;) {
    const std::optional<words> asked = co_await words_of(from);
    more = asked.has_value();
    if (more) self.seen.push_back(*asked);
  }
}

/// The code's message of a failure, or the text of a reply.
inline std::string outcome_of(const braid::result<braid::redis::value>& got) {
  return got ? got->to_string() : got.error().code().message();
}
inline std::string outcome(braid::redis::errc code) { return make_error_code(code).message(); }

/// Runs program() in the simulated world, where time costs nothing, or on the kernel.
template <class Program>
void run_redis_program(bool world, Program program) {
  CAPTURE(world);
  if (world) {
    braid::sim::world here(7);
    here.run(program());
  } else {
    braid::run(program());
  }
}

}  // namespace braid_tests
