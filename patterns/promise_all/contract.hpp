#pragma once

// The functions that the two examples call, the same for every style.

#include <tuple>

#include <range/v3/numeric/accumulate.hpp>

#include <braid/braid.hpp>

#include "report_desk.hpp"
#include "stage/handler.hpp"
#include "stage/shop.hpp"

namespace promise_all {

using namespace braid;
using stage::handler, stage::invoice, stage::orders, stage::preferences, stage::shop,
    stage::user, stage::user_id;

// shop::fetch_user(id), fetch_orders(id) and fetch_preferences(id) are senders, and so
// are report_desk::read, query, parse and send: each begins when someone waits for it.

inline invoice build_invoice(const user& to, const orders& bought, preferences of_user) {
  const int cents = ranges::accumulate(bought, 0, {}, &stage::order::cents);
  return {to.name, cents - cents * of_user.discount_percent / 100};
}

}  // namespace promise_all
