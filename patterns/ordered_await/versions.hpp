#pragma once

#include "contract.hpp"
#include "stage/in_style.hpp"

namespace ordered_await {

namespace blocking { invoice get_invoice(const shop& from, user_id id); }
namespace callbacks { void get_invoice(const shop& from, user_id id, handler<invoice> done); }
namespace futures { future<invoice> get_invoice(const shop& from, user_id id); }
namespace coroutines { task<invoice> get_invoice(const shop& from, user_id id); }
namespace fibers { invoice get_invoice(const shop& from, user_id id); }

/// Runs one version to its end on this thread's loop.
inline invoice get_invoice(stage::style how, const shop& from, user_id id) {
  constexpr stage::versions all{blocking::get_invoice, callbacks::get_invoice, futures::get_invoice,
                                coroutines::get_invoice, fibers::get_invoice};
  return stage::in_style(how, all, from, id);
}

}  // namespace ordered_await
