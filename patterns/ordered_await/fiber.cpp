#include "contract.hpp"

namespace ordered_await::fibers {

// [get_invoice]
invoice get_invoice(const shop& from, user_id id) {
  user u = await(from.fetch_user(id));                                // 1 user
  orders o = await(from.fetch_orders(u.id));                          // 2 orders
  return build_invoice(u, o);                                         // 3 invoice
}
// [/get_invoice]

}  // namespace ordered_await::fibers
