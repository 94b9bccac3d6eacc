#pragma once

#include <optional>

#include "contract.hpp"
#include "stage/style.hpp"

namespace cancel_everything {

namespace blocking {
page build_page(const site& from, path draft, stop_token stop);
}
namespace callbacks {
void build_page(const site& from, path draft, stop_token stop, handler<page> done);
}
namespace futures {
future<page> build_page(const site& from, path draft);
}
namespace coroutines {
task<page> build_page(const site& from, path draft);
}
namespace fibers {
page build_page(const site& from, path draft);
}

/// Starts one version on this thread's loop; the waiting user may stop it.
class page_request : pinned {
 public:
  page_request(stage::style how, const site& from, const path& draft)
      : how_(how), page_(begin(how, from, draft, source_.get_token())) {}

  void stop() {
    if (how_ == stage::style::future)
      page_.request_stop();
    else
      source_.request_stop();
  }
  [[nodiscard]] bool has_ended() const { return page_.is_ready(); }
  /// Runs the loop until the request has ended.
  [[nodiscard]] result<page> wait() {
    while (!has_ended()) loop::current().turn(true);  // the future stays here, so that it can be stopped
    return run(as_result(std::move(page_)));
  }

 private:
  static future<page> begin(stage::style how, const site& from, const path& draft, stop_token stop) {
    switch (how) {
      case stage::style::blocking: break;
      case stage::style::callback:
        return stage::called_back<page>([&](handler<page> done) {
          callbacks::build_page(from, draft, stop, std::move(done));
        });
      case stage::style::future: return futures::build_page(from, draft);
      case stage::style::coroutine:
        return spawn(with_stop_token(coroutines::build_page(from, draft), stop));
      case stage::style::fiber:
        return spawn(with_stop_token(
            in_fiber([&from, draft] { return fibers::build_page(from, draft); }), stop));
    }
    throw std::logic_error("a blocking call does not return before it has ended");
  }

  const stage::style how_;
  stop_source source_;
  future<page> page_;
};

}  // namespace cancel_everything
