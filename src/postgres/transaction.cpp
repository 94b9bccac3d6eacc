#include "braid/postgres/transaction.hpp"

#include <string>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/style/shield.hpp"
#include "link.hpp"

namespace braid::postgres::detail {

namespace {

std::string text_of(const transaction_options& how) {
  std::string text = "begin";
  switch (how.level) {
    case isolation::of_server: break;
    case isolation::read_committed: text += " isolation level read committed"; break;
    case isolation::repeatable_read: text += " isolation level repeatable read"; break;
    case isolation::serializable: text += " isolation level serializable"; break;
  }
  if (how.read_only) text += " read only";
  if (how.deferrable) text += " deferrable";
  return text;
}

}  // namespace

task<> begin(connection& on, transaction_options how) {
  if (on.in_transaction()) misuse_error("postgres::transaction: a transaction is open already").rethrow();
  const std::string text = text_of(how);
  (void)co_await on.execute(text);
}

// COMMIT of a transaction that has failed is a rollback, of which the server says nothing but its name.
task<> commit(connection& on) {
  const rows ended = co_await on.query("commit");
  if (ended.status() != "COMMIT") error(errc::rolled_back, "postgres::transaction").rethrow();
}

// A connection that cannot be rolled back in time is closed, which makes the server do it.
task<> roll_back(connection& on, error why, bool in_commit) {
  if (on.in_transaction()) {
    auto rolling =
        as_result(shield(with_timeout(on.execute("rollback"), on.over()->options().cancel_within)));
    const auto rolled = co_await std::move(rolling);
    if (!rolled) on.close();
  }
  if (in_commit || why != errc::outcome_unknown) why.rethrow();
  error lost(errc::connection_lost, "postgres::transaction");
  lost.suppress(std::move(why));
  lost.rethrow();
}

bool worth_another_transaction(const error& why) noexcept {
  return why == sqlstate::serialization_failure || why == sqlstate::deadlock_detected;
}

}  // namespace braid::postgres::detail
