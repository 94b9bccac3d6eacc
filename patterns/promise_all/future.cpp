#include "contract.hpp"

namespace promise_all::futures {

// [get_invoice]
future<invoice> get_invoice(const shop& from, user_id id) {
  return spawn(from.fetch_user(id))                                   // 1 user
      .then([&from](user u) {
        return spawn(when_all(from.fetch_orders(u.id),                // 2 orders
                              from.fetch_preferences(u.id)))          // 2 preferences
            .then([u](std::tuple<orders, preferences> both) {
              auto& [o, p] = both;
              return build_invoice(u, o, p);                          // 3 invoice
            });
      });
}
// [/get_invoice]

// [send_report]
future<std::string> send_report_in_sequence(const report_desk& at) {
  return spawn(at.read())                                             // 1 read
      .then([&at](std::string form) {
        return spawn(at.query())                                      // 2 query
            .then([&at, form](std::string numbers) {
              return at.parse(form, numbers);                         // 3 parse
            });
      })
      .then([&at](std::string report) { return at.send(report); });   // 4 send
}

future<std::string> send_report(const report_desk& at) {
  return spawn(when_all(at.read(), at.query()))                       // 1 read, 2 query
      .then([&at](std::tuple<std::string, std::string> both) {
        auto& [form, numbers] = both;
        return at.parse(form, numbers);                               // 3 parse
      })
      .then([&at](std::string report) { return at.send(report); });   // 4 send
}
// [/send_report]

}  // namespace promise_all::futures
