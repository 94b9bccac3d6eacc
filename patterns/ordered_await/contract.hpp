#pragma once

// The functions that get_invoice calls, the same for every style.

#include <range/v3/numeric/accumulate.hpp>

#include <braid/braid.hpp>

#include "stage/handler.hpp"
#include "stage/shop.hpp"

namespace ordered_await {

using namespace braid;
using stage::handler, stage::invoice, stage::orders, stage::shop, stage::user,
    stage::user_id;

// shop::fetch_user(id) and fetch_orders(id) are senders: each begins when someone waits
// for it.

inline invoice build_invoice(const user& to, const orders& bought) {
  return {to.name, ranges::accumulate(bought, 0, {}, &stage::order::cents)};
}

}  // namespace ordered_await
