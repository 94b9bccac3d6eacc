#include "site.hpp"

#include <braid/fs/whole_file.hpp>
#include <braid/schedule/offload.hpp>
#include <braid/schedule/sleep.hpp>
#include <braid/style/as_result.hpp>

using namespace braid;

namespace cancel_everything {

task<> site::open_draft(std::filesystem::path draft) const {
  co_await write_file(draft, std::string_view("to be written\n"));
  told_->tell("draft");
}

task<> site::discard(std::filesystem::path draft) const {
  auto removing = offload([&draft] { return remove(draft); });
  if (co_await std::move(removing)) told_->tell("draft discarded");
}

task<std::string> site::fetch(std::string part) const {
  ++under_way_;
  result<std::string> text = co_await as_result(stage::ask(at_, part));
  --under_way_;
  if (!text) told_->tell(part + (text.error() == std::errc::operation_canceled ? " stopped" : " failed"));
  if (!text) text.error().rethrow();
  told_->tell(part);
  co_return *std::move(text);
}

task<std::string> site::poll(std::string part) const {
  for (;;) {
    std::string text = co_await fetch(part);
    if (text != "not yet") co_return text;
    co_await sleep_for(pause_);
  }
}

}  // namespace cancel_everything
