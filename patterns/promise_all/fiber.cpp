#include "contract.hpp"

namespace promise_all::fibers {

// [get_invoice]
invoice get_invoice(const shop& from, user_id id) {
  user u = await(from.fetch_user(id));                                // 1 user
  auto [o, p] = await(when_all(from.fetch_orders(u.id),               // 2 orders
                               from.fetch_preferences(u.id)));        // 2 preferences
  return build_invoice(u, o, p);                                      // 3 invoice
}
// [/get_invoice]

// [send_report]
std::string send_report_in_sequence(const report_desk& at) {
  std::string form = await(at.read());                                // 1 read
  std::string numbers = await(at.query());                            // 2 query
  std::string report = await(at.parse(form, numbers));                // 3 parse
  return await(at.send(report));                                      // 4 send
}

std::string send_report(const report_desk& at) {
  auto [form, numbers] = await(when_all(at.read(), at.query()));      // 1 read, 2 query
  std::string report = await(at.parse(form, numbers));                // 3 parse
  return await(at.send(report));                                      // 4 send
}
// [/send_report]

}  // namespace promise_all::fibers
