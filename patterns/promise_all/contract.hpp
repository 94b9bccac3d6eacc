#pragma once

// The functions that the three examples call, the same for every style.

#include <tuple>

#include <range/v3/numeric/accumulate.hpp>

#include <braid/braid.hpp>

#include "report_desk.hpp"
#include "services.hpp"
#include "stage/handler.hpp"
#include "stage/shop.hpp"

namespace promise_all {

using namespace braid;
using stage::handler, stage::invoice, stage::orders, stage::preferences, stage::shop,
    stage::user, stage::user_id;
using text = std::string;

struct front_page {
  text weather, news, prices;
  friend bool operator==(const front_page&, const front_page&) = default;
};

// shop::fetch_user(id), fetch_orders(id) and fetch_preferences(id) are senders, and so
// are report_desk::read, query, parse and send, and services::weather, news and prices:
// each begins when someone waits for it.

inline invoice build_invoice(const user& to, const orders& bought, preferences of_user) {
  const int cents = ranges::accumulate(bought, 0, {}, &stage::order::cents);
  return {to.name, cents - cents * of_user.discount_percent / 100};
}

}  // namespace promise_all
