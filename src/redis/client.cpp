#include "braid/redis/client.hpp"

#include <utility>

#include "client_core.hpp"
#include "subscription_core.hpp"

namespace braid::redis {

namespace {

task<std::optional<std::string>> optional_text(task<value> asking) {
  const value got = co_await std::move(asking);
  co_return got.as<std::optional<std::string>>();
}
task<std::int64_t> integer(task<value> asking) {
  const value got = co_await std::move(asking);
  co_return got.integer();
}
task<bool> is_not_zero(task<value> asking) {
  const value got = co_await std::move(asking);
  co_return got.integer() != 0;
}
task<> done(task<value> asking) {
  const value got = co_await std::move(asking);
  (void)got.text();  // OK
}

}  // namespace

client::client(server_address at, client_options how)
    : core_(std::make_shared<detail::client_core>(
          std::make_shared<detail::settings>(std::move(at), std::move(how)), true)) {}
client::~client() { core_->stop(); }

task<value> client::command(request what) { return detail::client_core::command(core_, std::move(what)); }
task<std::vector<result<value>>> client::pipeline(std::vector<request> commands) {
  return detail::client_core::pipeline(core_, std::move(commands));
}

task<std::optional<std::string>> client::get(std::string_view key) {
  request what("GET", key);
  what.idempotent();
  return optional_text(command(std::move(what)));
}
task<> client::set(std::string_view key, std::string_view value) { return done(command("SET", key, value)); }
task<> client::set(std::string_view key, std::string_view value, std::chrono::milliseconds to_live) {
  return done(command("SET", key, value, "PX", to_live.count()));
}
task<bool> client::erase(std::string_view key) { return is_not_zero(command("DEL", key)); }
task<std::int64_t> client::increment(std::string_view key, std::int64_t by) {
  return integer(command("INCRBY", key, by));
}
task<std::int64_t> client::publish(std::string_view channel, std::string_view message) {
  return integer(command("PUBLISH", channel, message));
}

task<std::vector<result<value>>> client::transaction(std::vector<request> commands) {
  auto done = co_await detail::client_core::transaction(core_, std::move(commands));
  if (!done) error(make_error_code(errc::unexpected_reply), "redis::client", "EXEC").rethrow();
  co_return *std::move(done);
}
task<value> client::run(script& what, std::vector<std::string> keys, std::vector<std::string> arguments) {
  return detail::client_core::run_script(core_, what, std::move(keys), std::move(arguments));
}
task<subscription> client::subscribe(topics wanted) {
  return detail::subscription_core::open(core_->how(), std::move(wanted));
}

task<> client::close() { return detail::client_core::close(core_); }
bool client::is_connected() const noexcept { return core_->is_connected(); }
std::uint64_t client::connections() const noexcept { return core_->connections(); }
std::size_t client::commands() const noexcept { return core_->calls(); }

}  // namespace braid::redis
