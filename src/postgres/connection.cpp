#include "braid/postgres/connection.hpp"

#include <utility>
#include <vector>

#include "braid/combine/with_timeout.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/get_stop_token.hpp"
#include "link.hpp"
#include "types.hpp"

namespace braid::postgres {

namespace detail {

namespace {

link& open(link* over, const char* call) {
  if (over == nullptr) error(errc::connection_closed, call).rethrow();
  return *over;
}

void check_text(const std::string& text, const char* call) {
  if (text.find('\0') != std::string::npos)
    invalid_argument_error(call, "the text of the statement has a zero byte").rethrow();
}

// The parameters as libpq wants them.
struct sent_values {
  explicit sent_values(const parameters& from) {
    for (const parameters::sent_value& each : from.values()) {
      values.push_back(each.is_null ? nullptr : each.bytes.c_str());
      sizes.push_back(static_cast<int>(each.bytes.size()));
      formats.push_back(each.is_binary ? 1 : 0);
      types.push_back(each.is_binary ? oid::bytea : 0);
    }
  }
  std::vector<const char*> values;
  std::vector<int> sizes, formats;
  std::vector<Oid> types;
};

// What is sent: a text with parameters, or a prepared statement with them, or a text that becomes one.
struct order {
  std::string text, name;
  bool prepares = false;
  parameters with{};
  order(std::string its_text, std::string its_name, bool does_prepare, parameters its_parameters)
      : text(std::move(its_text)),
        name(std::move(its_name)),
        prepares(does_prepare),
        with(std::move(its_parameters)) {}
};

int send(link& over, const order& what) {
  const sent_values sent(what.with);
  const int results = over.options().results == format::binary ? 1 : 0,
            count = static_cast<int>(what.with.size());
  if (what.prepares) return PQsendPrepare(over.handle(), what.name.c_str(), what.text.c_str(), 0, nullptr);
  if (!what.name.empty())
    return PQsendQueryPrepared(over.handle(), what.name.c_str(), count, sent.values.data(), sent.sizes.data(),
                               sent.formats.data(), results);
  return PQsendQueryParams(over.handle(), what.text.c_str(), count, sent.types.data(), sent.values.data(),
                           sent.sizes.data(), sent.formats.data(), results);
}

// Fails as cancelled if stop was requested already: then the server gets no statement.
task<> not_stopped() {
  const stop_token stop = co_await get_stop_token();
  if (!stop.stop_requested()) co_return;
  error why(std::errc::operation_canceled);
  why.set_requested(true);
  why.rethrow();
}

task<result_ptr> perform(link* on, order what, const char* call) {
  link& over = open(on, call);
  const link::turn alone(over);
  co_await not_stopped();
  if (what.with.fault()) what.with.fault()->rethrow();
  check_text(what.text, call);
  if (what.with.size() > 65535)
    invalid_argument_error(call, "a statement takes at most 65535 parameters").rethrow();
  over.check(call);
  over.begin();
  if (send(over, what) != 1) over.refuse(call);
  co_return co_await over.finish(call);
}

// The name of a statement that was prepared on this connection.
std::string name_of(link* on, const statement& which, const char* call) {
  if (open(on, call).number() != which.of())
    misuse_error("postgres: the statement was prepared on another connection").rethrow();
  return which.name();
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
