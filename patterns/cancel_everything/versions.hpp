#pragma once

#include "contract.hpp"
#include "stage/in_style.hpp"

namespace cancel_everything {

namespace blocking { page build_page(const site& from, path draft, stop_token stop); }
namespace callbacks { void build_page(const site& from, path draft, stop_token stop, handler<page> done); }
namespace futures { future<page> build_page(const site& from, path draft, stop_token stop); }
namespace coroutines { task<page> build_page(const site& from, path draft, stop_token stop); }
namespace fibers { page build_page(const site& from, path draft, stop_token stop); }

/// One version, started on this thread's loop, and the user who may stop it.
class page_request : pinned {
 public:
  page_request(stage::style how, const site& from, path draft)
      : page_(spawn(stage::task_in_style(how, all, from, std::move(draft), source_.get_token()))) {}

  void stop() { source_.request_stop(); }
  [[nodiscard]] bool has_ended() const { return page_.is_ready(); }
  /// Runs the loop until the request has ended.
  [[nodiscard]] result<page> wait() { return run(as_result(std::move(page_))); }

  static constexpr stage::versions all{blocking::build_page, callbacks::build_page, futures::build_page,
                                       coroutines::build_page, fibers::build_page};

 private:
  stop_source source_;
  future<page> page_;
};

}  // namespace cancel_everything
