#include "contract.hpp"

namespace ordered_await::callbacks {

// [get_invoice]
void get_invoice(const shop& from, user_id id, handler<invoice> done) {
  start(from.fetch_user(id),                                          // 1 user
        [&from, done = std::move(done)](result<user> u) mutable {
    if (!u) return done(u.error());
    start(from.fetch_orders(u->id),                                   // 2 orders
          [u = *u, done = std::move(done)](result<orders> o) mutable {
      if (!o) return done(o.error());
      done(build_invoice(u, *o));                                     // 3 invoice
    });
  });
}
// [/get_invoice]

}  // namespace ordered_await::callbacks
