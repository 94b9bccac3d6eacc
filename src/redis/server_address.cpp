#include <chrono>
#include <optional>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/net/connect.hpp"
#include "braid/net/tcp.hpp"
#include "braid/net/unix_domain.hpp"
#include "braid/redis/client_options.hpp"
#include "server_link.hpp"

namespace braid::redis {

namespace {

task<any_stream> over_tcp(endpoint at) {
  tcp::stream made = co_await tcp::connect(at);
  co_return any_stream(std::move(made));
}
task<any_stream> over_tcp(std::string host, std::string service) {
  tcp::stream made = co_await tcp::connect(std::move(host), std::move(service));
  co_return any_stream(std::move(made));
}
task<any_stream> within_machine(unix_domain::address at) {
  unix_domain::stream made = co_await unix_domain::connect(at);
  co_return any_stream(std::move(made));
}

// Where the master is, as this sentinel says.
task<std::vector<value>> asked_of(server_address sentinel, std::string name) {
  any_stream made = co_await sentinel.connect();
  detail::server_link link(std::move(made), 1 << 20);
  request where("SENTINEL", "get-master-addr-by-name", name);
  const value reply = co_await link.ask(std::move(where));
  co_return reply.is_nil() ? std::vector<value>() : reply.array();
}

}  // namespace

struct server_address::master {
  std::string name;
  std::vector<server_address> sentinels;

  static task<any_stream> connect(std::shared_ptr<const master> self) {
    error none(make_error_code(errc::no_connection), "redis::client::connect",
               self->name + ", which no sentinel knows");
    std::vector<value> at;
    for (const server_address& each : self->sentinels) {
      try {
        auto asking = with_timeout(asked_of(each, self->name), std::chrono::seconds(1));
        at = co_await std::move(asking);
      } catch (...) {
        error why = error::current();
        if (why.is_requested_cancellation()) throw;
        none.suppress(std::move(why));
      }
      if (at.size() == 2) break;
    }
    if (at.size() != 2) none.rethrow();
    any_stream made = co_await over_tcp(at[0].text(), at[1].text());
    co_return made;
  }
};

server_address server_address::of_master(std::string name, std::vector<server_address> sentinels) {
  if (sentinels.empty()) invalid_argument_error("redis::server_address", "no sentinel").rethrow();
  return server_address(std::make_shared<const master>(master{std::move(name), std::move(sentinels)}));
}

bool server_address::is_master() const noexcept {
  return std::holds_alternative<std::shared_ptr<const master>>(where_);
}

task<any_stream> server_address::connect() const {
  if (const auto* at = std::get_if<endpoint>(&where_)) return over_tcp(*at);
  if (const auto* at = std::get_if<unix_domain::address>(&where_)) return within_machine(*at);
  if (const auto* at = std::get_if<name>(&where_)) return over_tcp(at->host, at->service);
  return master::connect(std::get<std::shared_ptr<const master>>(where_));
}

std::string server_address::to_string() const {
  if (const auto* at = std::get_if<endpoint>(&where_)) return at->to_string();
  if (const auto* at = std::get_if<unix_domain::address>(&where_)) return at->to_string();
  if (const auto* at = std::get_if<name>(&where_)) return at->host + ":" + at->service;
  return "the master " + std::get<std::shared_ptr<const master>>(where_)->name;
}

}  // namespace braid::redis
