#include "contract.hpp"

namespace promise_all::callbacks {

// [get_invoice]
void get_invoice(const shop& from, user_id id, handler<invoice> done) {
  start(from.fetch_user(id),                                          // 1 user
        [&from, done = std::move(done)](result<user> u) mutable {
    if (!u) return done(u.error());
    start(when_all(from.fetch_orders(u->id),                          // 2 orders
                   from.fetch_preferences(u->id)),                    // 2 preferences
          [u = *u, done = std::move(done)](auto both) mutable {
      if (!both) return done(both.error());
      auto& [o, p] = *both;
      done(build_invoice(u, o, p));                                   // 3 invoice
    });
  });
}
// [/get_invoice]

// [send_report]
void send_report_in_sequence(const report_desk& at, handler<std::string> done) {
  start(at.read(),                                                    // 1 read
        [&at, done = std::move(done)](result<std::string> form) mutable {
    if (!form) return done(form.error());
    start(at.query(),                                                 // 2 query
          [&at, form = *form, done = std::move(done)](auto numbers) mutable {
      if (!numbers) return done(numbers.error());
      start(at.parse(form, *numbers),                                 // 3 parse
            [&at, done = std::move(done)](result<std::string> report) mutable {
        if (!report) return done(report.error());
        start(at.send(*report), std::move(done));                     // 4 send
      });
    });
  });
}

void send_report(const report_desk& at, handler<std::string> done) {
  start(when_all(at.read(), at.query()),                              // 1 read, 2 query
        [&at, done = std::move(done)](auto both) mutable {
    if (!both) return done(both.error());
    auto& [form, numbers] = *both;
    start(at.parse(form, numbers),                                    // 3 parse
          [&at, done = std::move(done)](result<std::string> report) mutable {
      if (!report) return done(report.error());
      start(at.send(*report), std::move(done));                       // 4 send
    });
  });
}
// [/send_report]

}  // namespace promise_all::callbacks
