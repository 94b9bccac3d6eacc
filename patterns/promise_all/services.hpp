#pragma once

#include <chrono>
#include <string>
#include <utility>

#include <braid/style/task.hpp>

#include "stage/line_service.hpp"

namespace promise_all {

/// The client's view of three services, which it asks by name.
///
/// Lifetime  outlives its calls.
class services {
 public:
  explicit services(stage::answer_fn ask) : ask_(std::move(ask)) {}

  [[nodiscard]] braid::task<std::string> weather() const { return ask_("weather"); }
  [[nodiscard]] braid::task<std::string> news() const { return ask_("news"); }
  [[nodiscard]] braid::task<std::string> prices() const { return ask_("prices"); }

 private:
  const stage::answer_fn ask_;
};

/// How long each service takes to answer.
struct answer_times {
  std::chrono::milliseconds weather{200}, news{200}, prices{200};
};

/// The three services themselves: each answers with its name.
[[nodiscard]] stage::answer_fn services_that_take(answer_times times);

}  // namespace promise_all
