#include "order.hpp"

#include <vector>

#include "braid/style/get_stop_token.hpp"
#include "types.hpp"

namespace braid::postgres::detail {

namespace {

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

}  // namespace

task<> not_stopped() {
  const stop_token stop = co_await get_stop_token();
  if (!stop.stop_requested()) co_return;
  error why(std::errc::operation_canceled);
  why.set_requested(true);
  why.rethrow();
}

link& open(link* over, const char* call) {
  if (over == nullptr) error(errc::connection_closed, call).rethrow();
  return *over;
}

void check_text(const std::string& text, const char* call) {
  if (text.find('\0') != std::string::npos)
    invalid_argument_error(call, "the text of the statement has a zero byte").rethrow();
}

void check(const order& what, const char* call) {
  if (what.with.fault()) what.with.fault()->rethrow();
  check_text(what.text, call);
  if (what.with.size() > 65535)
    invalid_argument_error(call, "a statement takes at most 65535 parameters").rethrow();
}

bool send(link& over, const order& what) {
  const sent_values sent(what.with);
  const int results = over.options().results == format::binary ? 1 : 0,
            count = static_cast<int>(what.with.size());
  PGconn* const by = over.handle();
  if (what.prepares) return PQsendPrepare(by, what.name.c_str(), what.text.c_str(), 0, nullptr) == 1;
  if (!what.name.empty())
    return PQsendQueryPrepared(by, what.name.c_str(), count, sent.values.data(), sent.sizes.data(),
                               sent.formats.data(), results) == 1;
  return PQsendQueryParams(by, what.text.c_str(), count, sent.types.data(), sent.values.data(),
                           sent.sizes.data(), sent.formats.data(), results) == 1;
}

std::string name_of(link* on, const statement& which, const char* call) {
  if (open(on, call).number() != which.of())
    misuse_error("postgres: the statement was prepared on another connection").rethrow();
  return which.name();
}

}  // namespace braid::postgres::detail
