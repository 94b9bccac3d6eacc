#include "braid/process/run.hpp"

#include <chrono>
#include <system_error>
#include <utility>

#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"

namespace braid::process {

task<exit_status> run(std::vector<std::string> arguments, spawn_options how, loop_clock::duration grace) {
  for (const redirection& each : {how.input, how.output, how.error})
    if (each.where() == redirection::kind::pipe)
      error(std::make_error_code(std::errc::invalid_argument), "process::run",
            "a pipe, which nobody reads or writes")
          .rethrow();
  child one = co_await spawn(std::move(arguments), std::move(how));
  auto waiting = as_result(one.wait());
  const result<exit_status> ended = co_await std::move(waiting);
  if (ended) co_return *ended;
  auto stopping = shield(one.stop(grace));
  co_await std::move(stopping);
  ended.error().rethrow();
}

task<exit_status> run(std::vector<std::string> arguments) {
  return run(std::move(arguments), {}, std::chrono::seconds(5));
}

}  // namespace braid::process
