#include "contract.hpp"

namespace promise_all::coroutines {

// [get_invoice]
task<invoice> get_invoice(const shop& from, user_id id) {
  user u = co_await from.fetch_user(id);                              // 1 user
  auto [o, p] = co_await when_all(from.fetch_orders(u.id),            // 2 orders
                                  from.fetch_preferences(u.id));      // 2 preferences
  co_return build_invoice(u, o, p);                                   // 3 invoice
}
// [/get_invoice]

// [send_report]
task<std::string> send_report_in_sequence(const report_desk& at) {
  std::string form = co_await at.read();                              // 1 read
  std::string numbers = co_await at.query();                          // 2 query
  std::string report = co_await at.parse(form, numbers);              // 3 parse
  co_return co_await at.send(report);                                 // 4 send
}

task<std::string> send_report(const report_desk& at) {
  auto [form, numbers] = co_await when_all(at.read(), at.query());    // 1 read, 2 query
  std::string report = co_await at.parse(form, numbers);              // 3 parse
  co_return co_await at.send(report);                                 // 4 send
}
// [/send_report]

}  // namespace promise_all::coroutines
