#include "contract.hpp"

namespace ordered_await::futures {

// [get_invoice]
future<invoice> get_invoice(const shop& from, user_id id) {
  return spawn(from.fetch_user(id))                                   // 1 user
      .then([&from](user u) {
        return spawn(from.fetch_orders(u.id))                         // 2 orders
            .then([u](orders o) {
              return build_invoice(u, o);                             // 3 invoice
            });
      });
}
// [/get_invoice]

}  // namespace ordered_await::futures
