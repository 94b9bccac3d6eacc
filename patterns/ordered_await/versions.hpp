#pragma once

#include "contract.hpp"
#include "stage/style.hpp"

namespace ordered_await {

namespace blocking {
invoice get_invoice(const shop& from, user_id id);
}
namespace callbacks {
void get_invoice(const shop& from, user_id id, handler<invoice> done);
}
namespace futures {
future<invoice> get_invoice(const shop& from, user_id id);
}
namespace coroutines {
task<invoice> get_invoice(const shop& from, user_id id);
}
namespace fibers {
invoice get_invoice(const shop& from, user_id id);
}

/// Runs one version to its end, on this thread's loop.
inline invoice get_invoice(stage::style how, const shop& from, user_id id) {
  switch (how) {
    case stage::style::blocking: break;
    case stage::style::callback:
      return run(stage::called_back<invoice>(
          [&](handler<invoice> done) { callbacks::get_invoice(from, id, std::move(done)); }));
    case stage::style::future: return run(futures::get_invoice(from, id));
    case stage::style::coroutine: return run(coroutines::get_invoice(from, id));
    case stage::style::fiber: return run(in_fiber([&] { return fibers::get_invoice(from, id); }));
  }
  return blocking::get_invoice(from, id);
}

}  // namespace ordered_await
