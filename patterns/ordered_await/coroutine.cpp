#include "contract.hpp"

namespace ordered_await::coroutines {

// [get_invoice]
task<invoice> get_invoice(const shop& from, user_id id) {
  user u = co_await from.fetch_user(id);                              // 1 user
  orders o = co_await from.fetch_orders(u.id);                        // 2 orders
  co_return build_invoice(u, o);                                      // 3 invoice
}
// [/get_invoice]

}  // namespace ordered_await::coroutines
