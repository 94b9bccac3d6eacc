#include "braid/postgres/connection.hpp"

#include <utility>
#include <vector>

#include "braid/combine/with_timeout.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/get_stop_token.hpp"
#include "link.hpp"
#include "order.hpp"

namespace braid::postgres {

namespace detail {

namespace {

task<result_ptr> perform(link* on, order what, const char* call) {
  link& over = open(on, call);
  const link::turn alone(over);
  co_await not_stopped();
  check(what, call);
  over.check(call);
  over.begin();
  if (!send(over, what)) over.refuse(call);
  co_return co_await over.finish(call);
}

std::string quoted(const std::string& name) {
  std::string made = "\"";
  for (const char each : name) made.append(each == '"' ? 2 : 1, each);
  return made += '"';
}

}  // namespace

void link_deleter::operator()(link* one) const noexcept { delete one; }

task<rows> query(link* over, std::string text, parameters with) {
  constexpr const char* call = "postgres::query";
  order what(std::move(text), "", false, std::move(with));
  result_ptr got = co_await perform(over, std::move(what), call);
  co_return rows(std::move(got));
}

task<rows> query(link* over, statement which, parameters with) {
  constexpr const char* call = "postgres::query";
  order what("", name_of(over, which, call), false, std::move(with));
  result_ptr got = co_await perform(over, std::move(what), call);
  co_return rows(std::move(got));
}

task<std::uint64_t> execute(link* over, std::string text, parameters with) {
  constexpr const char* call = "postgres::execute";
  order what(std::move(text), "", false, std::move(with));
  const rows got(co_await perform(over, std::move(what), call));
  co_return got.affected();
}

task<std::uint64_t> execute(link* over, statement which, parameters with) {
  constexpr const char* call = "postgres::execute";
  order what("", name_of(over, which, call), false, std::move(with));
  const rows got(co_await perform(over, std::move(what), call));
  co_return got.affected();
}

namespace {

task<> run_script(link* on, std::string text) {
  constexpr const char* call = "postgres::run_script";
  link& over = open(on, call);
  const link::turn alone(over);
  co_await not_stopped();
  check_text(text, call);
  over.check(call);
  over.begin();
  if (PQsendQuery(over.handle(), text.c_str()) != 1) over.refuse(call);
  (void)co_await over.finish(call);
}

task<statement> prepare(link* on, std::string text) {
  constexpr const char* call = "postgres::prepare";
  std::string name = open(on, call).new_statement_name();
  order what(std::move(text), name, true, parameters());
  (void)co_await perform(on, std::move(what), call);
  co_return statement(std::move(name), on->number());
}

task<> forget(link* on, statement which) {
  const std::string text = "deallocate " + name_of(on, which, "postgres::forget");
  (void)co_await execute(on, text, parameters());
}

task<notifications> listen(link* on, std::vector<std::string> channels) {
  for (const std::string& each : channels) {
    const std::string text = "listen " + quoted(each);
    (void)co_await execute(on, text, parameters());
  }
  co_return notifications(on, std::move(channels));
}

task<> unlisten(link* on, std::string channel) {
  const std::string text = "unlisten " + quoted(channel);
  (void)co_await execute(on, text, parameters());
}

task<std::optional<notification>> next_of(link* on, std::vector<std::string> channels) {
  link& over = open(on, "postgres::notifications::next");
  co_return co_await over.next_notification(std::move(channels));
}

task<> cancel(link* over) {
  if (over != nullptr) co_await over->cancel();
}

task<> open_link(link& over, settings to) {
  co_await find_hosts(to);
  co_await over.connect(to);
}

}  // namespace

}  // namespace detail

bool connection::is_open() const noexcept { return link_ != nullptr && link_->is_open(); }
task<> connection::run_script(std::string text) { return detail::run_script(link_.get(), std::move(text)); }
task<statement> connection::prepare(std::string text) {
  return detail::prepare(link_.get(), std::move(text));
}
task<> connection::forget(const statement& which) { return detail::forget(link_.get(), which); }
task<notifications> connection::listen(std::string channel) {
  return detail::listen(link_.get(), std::vector<std::string>(1, std::move(channel)));
}
task<notifications> connection::listen(std::vector<std::string> channels) {
  return detail::listen(link_.get(), std::move(channels));
}
task<> connection::unlisten(std::string channel) { return detail::unlisten(link_.get(), std::move(channel)); }
task<std::optional<notification>> notifications::next() { return detail::next_of(over_, channels_); }
task<> connection::cancel() { return detail::cancel(link_.get()); }
void connection::close() noexcept {
  if (link_ != nullptr) link_->leave();
}

bool connection::in_transaction() const noexcept {
  if (!is_open()) return false;
  const PGTransactionStatusType now = PQtransactionStatus(link_->handle());
  return now == PQTRANS_INTRANS || now == PQTRANS_INERROR;
}

int connection::server_process() const noexcept { return is_open() ? PQbackendPID(link_->handle()) : 0; }

std::string connection::setting(const std::string& name) const {
  const char* value = is_open() ? PQparameterStatus(link_->handle(), name.c_str()) : nullptr;
  return value == nullptr ? "" : value;
}

task<connection> connect(std::string to, connection_options how) {
  detail::settings with = detail::settings_of(to, how);
  const loop_clock::duration within = with.within;
  const std::string shown = with.shown;
  detail::link_ptr made(new detail::link(std::move(how)));
  auto connecting = as_result(with_timeout(detail::open_link(*made, std::move(with)), within));
  const result<void> connected = co_await std::move(connecting);
  if (connected) co_return connection(std::move(made));
  if (connected.error().code().category() == timeout_category())
    error(connected.error().code(), "postgres::connect", shown).rethrow();
  connected.error().rethrow();
}

}  // namespace braid::postgres
