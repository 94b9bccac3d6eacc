#include "braid/messaging/log.hpp"

#include <utility>

#include "log_core.hpp"

namespace braid::messaging {

log::log(std::shared_ptr<detail::log_core> core) noexcept : core_(std::move(core)) {}

task<log> log::open(std::filesystem::path directory, log_options how) {
  std::shared_ptr<detail::log_core> opened = co_await detail::log_core::open(std::move(directory), how);
  co_return log(std::move(opened));
}

task<std::uint64_t> log::append(readable_bytes bytes) { return append(bytes, core_->options().durability); }
task<std::uint64_t> log::append(readable_bytes bytes, messaging::durability how) {
  return detail::log_core::append(core_, bytes, how);
}
task<> log::sync() { return detail::log_core::sync(core_); }

async_generator<result<log_record>> log::read(std::uint64_t from) const {
  return detail::log_core::read(core_, from, false);
}
async_generator<result<log_record>> log::follow(std::uint64_t from) const {
  return detail::log_core::read(core_, from, true);
}

task<> log::truncate_front(std::uint64_t sequence) {
  return detail::log_core::truncate_front(core_, sequence);
}
task<> log::truncate_back(std::uint64_t sequence) { return detail::log_core::truncate_back(core_, sequence); }
task<> log::close() { return detail::log_core::close(core_); }

std::uint64_t log::first() const noexcept { return core_->first(); }
std::uint64_t log::last() const noexcept { return core_->last(); }
std::uint64_t log::durable() const noexcept { return core_->durable(); }
const log_recovery& log::recovery() const noexcept { return core_->recovery(); }
std::vector<log_segment> log::segments() const { return core_->segments(); }
const log_metrics& log::metrics() const noexcept { return core_->metrics(); }

}  // namespace braid::messaging
