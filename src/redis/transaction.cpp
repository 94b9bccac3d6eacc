// What a client's core does with several commands as one: transactions and scripts.

#include <utility>

#include "client_core.hpp"
#include "error_reply.hpp"

namespace braid::redis::detail {

// EXEC was refused since a command was: that one's error, which says why, is suppressed.
[[noreturn]] static void aborted(const value& exec, std::span<const value> queued,
                                 std::span<const request> commands) {
  error why = error_of_reply(exec.text(), "redis::client", "EXEC");
  for (std::size_t i = 0; i < queued.size(); ++i)
    if (queued[i].is_error())
      why.suppress(error_of_reply(queued[i].text(), "redis::client", commands[i].name()));
  why.rethrow();
}

task<std::optional<std::vector<result<value>>>> client_core::transaction(std::shared_ptr<client_core> self,
                                                                         std::vector<request> all) {
  std::optional<std::vector<result<value>>> results(std::in_place);
  if (all.empty()) co_return results;
  const std::size_t count = all.size();
  all.insert(all.begin(), request("MULTI"));
  all.emplace_back("EXEC");
  std::vector<value> replies(all.size());
  pending_call mine(*self, all, replies.data());
  mine.is_transaction = true;
  co_await perform(self, mine);
  const std::span<const request> commands = std::span(all).subspan(1, count);
  const value& exec = replies.back();
  if (exec.is_nil()) co_return std::nullopt;
  if (replies.front().is_error()) error_of_reply(replies.front().text(), "redis::client", "MULTI").rethrow();
  if (exec.is_error()) aborted(exec, std::span(replies).subspan(1, count), commands);
  std::vector<value> each = std::move(replies.back()).array();
  if (each.size() != count) error(make_error_code(errc::unexpected_reply), "redis::client", "EXEC").rethrow();
  results->reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (each[i].is_error())
      results->emplace_back(error_of_reply(each[i].text(), "redis::client", commands[i].name()));
    else
      results->emplace_back(std::move(each[i]));
  }
  co_return results;
}

static request evaluation(const char* command, const std::string& what, const std::vector<std::string>& keys,
                          const std::vector<std::string>& arguments, bool idempotent) {
  std::vector<std::string> words{command, what, std::to_string(keys.size())};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  return request::of(words).idempotent(idempotent);
}

task<value> client_core::run_script(std::shared_ptr<client_core> self, script& what,
                                    std::vector<std::string> keys, std::vector<std::string> arguments) {
  const bool idempotent = what.is_idempotent();
  if (what.digest().empty()) {
    request load("SCRIPT", "LOAD", what.text());
    load.idempotent();
    const value digest = co_await command(self, std::move(load));
    what.set_digest(digest.text());
  }
  value reply;
  bool is_unknown = false;
  try {
    reply = co_await command(self, evaluation("EVALSHA", what.digest(), keys, arguments, idempotent));
  } catch (const std::system_error& why) {
    if (why.code() != errc::no_script) throw;
    is_unknown = true;  // it has begun anew since
  }
  if (is_unknown)
    reply = co_await command(self, evaluation("EVAL", what.text(), keys, arguments, idempotent));
  co_return reply;
}

}  // namespace braid::redis::detail
