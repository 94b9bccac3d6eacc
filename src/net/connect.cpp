#include "braid/net/connect.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/result.hpp"
#include "braid/combine/task_group.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/net/detail/families_in_turn.hpp"
#include "braid/net/resolve.hpp"
#include "braid/net/tcp.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"

namespace braid::tcp {

std::vector<endpoint> detail::families_in_turn(const std::vector<endpoint>& all) {
  std::vector<endpoint> mixed;
  mixed.reserve(all.size());
  const auto of_first = [&](const endpoint& each) { return each.family() == all.front().family(); };
  auto first = all.begin(), other = all.begin();
  while (mixed.size() < all.size()) {
    first = std::find_if(first, all.end(), of_first);
    if (first != all.end()) mixed.push_back(*first++);
    other = std::find_if_not(other, all.end(), of_first);
    if (other != all.end()) mixed.push_back(*other++);
  }
  return mixed;
}

namespace {

// Their failures are values, so that one that nobody receives does not fail the group.
using attempts_group = task_group<result<stream>>;

// Stops the attempts that still run, waits for their ends and drops what they ended with.
task<> drop_rest(attempts_group& attempts) {
  attempts.request_stop(stop_reason::not_needed);
  for (;;) {
    auto rest = shield(attempts.next());
    const auto one = co_await std::move(rest);
    if (!one) co_return;
  }
}

auto attempt(const endpoint& to, const connect_options& how) {
  return io_sender<detail::connect_with_outcome>{{.code = opcode::connect},
                                                 {{to}, how.stream, how.fast_open}};
}

void add(std::optional<error>& failed, error why) {
  if (failed)
    failed->suppress(std::move(why));
  else
    failed.emplace(std::move(why));
}

task<stream> first_of(attempts_group& attempts, const std::vector<endpoint>& all,
                      const connect_options& how) {
  std::optional<error> failed;
  for (std::size_t begun = 0;;) {
    const bool all_begun = begun == all.size();
    if (!all_begun) attempts.spawn(as_result(attempt(all[begun++], how)));
    auto next =
        as_result(with_timeout(attempts.next(), all_begun ? loop_clock::duration::max() : how.attempt_delay));
    result<std::optional<result<result<stream>>>> got = co_await std::move(next);
    if (!got && got.error().code().category() == timeout_category()) continue;
    std::optional<result<result<stream>>> received = std::move(got).value();
    if (!received) failed->rethrow();  // all have failed
    result<stream> ended = std::move(*received).value();
    if (!ended && ended.error().is_requested_cancellation()) ended.error().rethrow();
    if (!ended) {
      add(failed, std::move(ended).error());
      continue;
    }
    co_await drop_rest(attempts);
    co_return std::move(*ended);
  }
}

}  // namespace

task<stream> connect_to_any(std::vector<endpoint> candidates, connect_options how) {
  if (candidates.empty()) invalid_argument_error("tcp::connect_to_any", "there is no endpoint").rethrow();
  const auto race = [&](attempts_group& attempts) { return first_of(attempts, candidates, how); };
  auto racing = with_group<result<stream>>(race);
  co_return co_await std::move(racing);
}

task<stream> connect(std::string host, std::string service, connect_options how) {
  std::vector<endpoint> found = co_await resolve(std::move(host), std::move(service));
  co_return co_await connect_to_any(detail::families_in_turn(found), how);
}

}  // namespace braid::tcp
