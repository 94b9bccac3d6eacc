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

void send(link& over, const std::string& text, const parameters& with, const char* call) {
  std::vector<const char*> values;
  std::vector<int> sizes, formats;
  std::vector<Oid> types;
  for (const parameters::sent_value& each : with.values()) {
    values.push_back(each.is_null ? nullptr : each.bytes.c_str());
    sizes.push_back(static_cast<int>(each.bytes.size()));
    formats.push_back(each.is_binary ? 1 : 0);
    types.push_back(each.is_binary ? oid::bytea : 0);
  }
  if (PQsendQueryParams(over.handle(), text.c_str(), static_cast<int>(with.size()), types.data(),
                        values.data(), sizes.data(), formats.data(),
                        over.options().results == format::binary ? 1 : 0) != 1)
    over.refuse(call);
}

// Fails as cancelled if stop was requested already: then the server gets no statement.
task<> not_stopped() {
  const stop_token stop = co_await get_stop_token();
  if (!stop.stop_requested()) co_return;
  error why(std::errc::operation_canceled);
  why.set_requested(true);
  why.rethrow();
}

task<result_ptr> perform(link* on, std::string text, parameters with, const char* call) {
  link& over = open(on, call);
  const link::turn alone(over);
  co_await not_stopped();
  if (with.fault()) with.fault()->rethrow();
  check_text(text, call);
  if (with.size() > 65535)
    invalid_argument_error(call, "a statement takes at most 65535 parameters").rethrow();
  over.check(call);
  over.begin();
  send(over, text, with, call);
  co_return co_await over.finish(call);
}

}  // namespace

void link_deleter::operator()(link* one) const noexcept { delete one; }

task<rows> query(link* over, std::string text, parameters with) {
  result_ptr got = co_await perform(over, std::move(text), std::move(with), "postgres::query");
  co_return rows(std::move(got));
}

task<std::uint64_t> execute(link* over, std::string text, parameters with) {
  const rows got(co_await perform(over, std::move(text), std::move(with), "postgres::execute"));
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
