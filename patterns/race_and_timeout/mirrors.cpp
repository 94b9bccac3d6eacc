#include "mirrors.hpp"

#include <braid/style/as_result.hpp>

using namespace braid;

namespace race_and_timeout {

std::vector<task<page>> mirrors::fetch_each() const {
  std::vector<task<page>> all;
  for (std::size_t which = 0; which < names.size(); ++which) all.push_back(fetch(which));
  return all;
}

task<page> mirrors::fetch(std::size_t which) const {
  const std::string name = names.at(which);
  told_->tell("ask " + name);
  ++under_way_;
  result<std::string> text = co_await as_result(stage::ask(at_.at(which), "page"));
  --under_way_;
  if (!text) told_->tell(name + (text.error() == std::errc::operation_canceled ? " stopped" : " failed"));
  if (!text) text.error().rethrow();
  told_->tell(name);
  co_return page{name, *text};
}

}  // namespace race_and_timeout
