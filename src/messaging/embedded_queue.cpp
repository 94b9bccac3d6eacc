#include "embedded_queue.hpp"

#include <system_error>
#include <utility>

#include "queue_core.hpp"

namespace braid::messaging::detail {

namespace {

using core_ptr = std::shared_ptr<queue_core>;

// What can be answered at once is an operation, too, since another engine has to ask its server.
task<std::vector<dead_letter>> list_dead(core_ptr core, std::string group) {
  std::vector<dead_letter> all = core->dead_letters(group);
  co_return all;
}
task<queue_metrics> count(core_ptr core) {
  queue_metrics all = core->metrics();
  co_return all;
}
task<> check_index(core_ptr core) {
  core->check();
  co_return;
}

class embedded_queue final : public queue_engine {
 public:
  explicit embedded_queue(core_ptr core) noexcept : core_(std::move(core)) {}

  task<> make_group(std::string name, group_options how) override {
    return queue_core::make_group(core_, std::move(name), how);
  }
  task<std::vector<std::uint64_t>> send_all(std::span<const outgoing> all, bool waits,
                                            const lease_name* acked) override {
    return queue_core::send_all(core_, all, waits, acked);
  }
  task<leased_message> receive(std::string group) override {
    return queue_core::receive(core_, std::move(group));
  }
  task<> ack(lease_name lease) override { return queue_core::ack(core_, lease); }
  task<> nack(lease_name lease, loop_clock::duration delay, std::string reason) override {
    return queue_core::nack(core_, lease, delay, std::move(reason));
  }
  task<> extend(lease_name lease, loop_clock::duration time) override {
    return queue_core::extend(core_, lease, time);
  }
  task<> give_back(lease_name lease) override { return queue_core::give_back(core_, lease); }
  void drop(lease_name lease) noexcept override { core_->drop(lease); }
  bool holds(lease_name lease) noexcept override { return core_->holds(lease); }
  bool may_pass(const error& why) const noexcept override { return why == std::errc::no_space_on_device; }

  task<> set_paused(std::string group, bool paused) override {
    return queue_core::set_paused(core_, std::move(group), paused);
  }
  task<bool> drain(loop_clock::time_point deadline) override { return queue_core::drain(core_, deadline); }
  task<std::size_t> handle_dead(std::string group, dead_letter_filter which, bool purges) override {
    return queue_core::handle_dead(core_, std::move(group), which, purges);
  }
  task<std::vector<dead_letter>> dead_letters(std::string group) override {
    return list_dead(core_, std::move(group));
  }
  task<queue_metrics> metrics() override { return count(core_); }
  task<> check() override { return check_index(core_); }
  const queue_recovery& recovery() const noexcept override { return core_->recovery(); }

  task<> close() override { return queue_core::close(core_); }
  void abandon() noexcept override { core_->abandon(); }

 private:
  const core_ptr core_;
};

}  // namespace

task<std::shared_ptr<queue_engine>> open_embedded(std::filesystem::path directory, queue_options how) {
  core_ptr core = co_await queue_core::open(std::move(directory), how);
  std::shared_ptr<queue_engine> made = std::make_shared<embedded_queue>(std::move(core));
  co_return made;
}

}  // namespace braid::messaging::detail
