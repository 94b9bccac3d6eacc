#include "contract.hpp"

namespace promise_all::blocking {

// [get_invoice]
invoice get_invoice(const shop& from, user_id id) {
  user u = run(from.fetch_user(id));                                  // 1 user
  auto [o, p] = run(when_all(from.fetch_orders(u.id),                 // 2 orders
                             from.fetch_preferences(u.id)));          // 2 preferences
  return build_invoice(u, o, p);                                      // 3 invoice
}
// [/get_invoice]

// [send_report]
std::string send_report_in_sequence(const report_desk& at) {
  std::string form = run(at.read());                                  // 1 read
  std::string numbers = run(at.query());                              // 2 query
  std::string report = run(at.parse(form, numbers));                  // 3 parse
  return run(at.send(report));                                        // 4 send
}

std::string send_report(const report_desk& at) {
  auto [form, numbers] = run(when_all(at.read(), at.query()));        // 1 read, 2 query
  std::string report = run(at.parse(form, numbers));                  // 3 parse
  return run(at.send(report));                                        // 4 send
}
// [/send_report]

}  // namespace promise_all::blocking
