#include "server_link.hpp"

#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/style/as_result.hpp"
#include "error_reply.hpp"

namespace braid::redis {

namespace detail {

settings::settings(server_address at, client_options how)
    : where(std::move(at)), options(std::move(how)), wants_master(where.is_master()) {
  if (options.commands == 0 || options.waiting_bytes == 0)
    invalid_argument_error("redis::client", "a limit is 0").rethrow();
  if (!options.connects) options.connects = [this] { return where.connect(); };
}

bool is_final(const error& why) noexcept {
  return why == errc::wrong_password || why == errc::not_authenticated || why == errc::no_permission ||
         why == errc::refused;
}

server_link::server_link(any_stream over, std::size_t most_reply_bytes)
    : stream(std::move(over)), replies(most_reply_bytes), part_(64 << 10) {}

task<std::unique_ptr<server_link>> server_link::open(std::shared_ptr<settings> how) {
  const client_options& options = how->options;
  any_stream made = co_await how->options.connects();
  auto opened = std::make_unique<server_link>(std::move(made), options.reply_bytes);
  std::vector<request> greeting;
  if (!options.user.empty())
    greeting.emplace_back("AUTH", options.user, options.password);
  else if (!options.password.empty())
    greeting.emplace_back("AUTH", options.password);
  if (options.database != 0) greeting.emplace_back("SELECT", options.database);
  if (!options.name.empty()) greeting.emplace_back("CLIENT", "SETNAME", options.name);
  greeting.emplace_back("PING");  // a server that still loads its data refuses it
  for (request& each : greeting) {
    const bool is_ping = &each == &greeting.back();
    auto asking = as_result(opened->ask(std::move(each)));
    const result<value> reply = co_await std::move(asking);
    if (!reply && !(is_ping && reply.error() == errc::no_permission)) reply.error().rethrow();
  }
  if (how->wants_master) {
    const value role = co_await opened->ask(request("ROLE"));
    if (role.array().empty() || role.array().front().text() != "master")
      error(make_error_code(errc::read_only), "redis::client::connect", how->where.to_string()).rethrow();
  }
  co_return opened;
}

task<> server_link::receive() {
  const std::size_t got = co_await stream.read_some(part_);
  if (got == 0)
    error(make_error_code(braid::errc::end_of_stream), "redis::client",
          "the server has closed the connection")
        .rethrow();
  replies.feed(part_.data(), got);
}

task<value> server_link::ask(request what) {
  co_await stream.write_all(what.bytes());
  std::optional<value> reply = replies.next();
  while (!reply) {
    co_await receive();
    reply = replies.next();
  }
  if (reply->is_error()) error_of_reply(reply->text(), "redis::client::connect", what.name()).rethrow();
  co_return *std::move(reply);
}

}  // namespace detail

}  // namespace braid::redis
