#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "queue_core.hpp"

namespace braid::messaging::detail {

namespace {

constexpr std::size_t most_in_a_record = 500;

bool takes(const dead_letter_filter& filter, const slot& each) {
  const message& it = *each.of;
  if (filter.id != 0 && filter.id != it.id) return false;
  if (!filter.key.empty() && (it.key == nullptr || *it.key->name != filter.key)) return false;
  bool found = filter.reason.empty();
  for (const failure_note* note = each.notes; note != nullptr && !found; note = note->before)
    found = note->reason.find(filter.reason) != std::string::npos;
  return found && !each.busy;
}

}  // namespace

// Dead messages that are about to leave the dead letters; unless that is done, the destructor leaves them.
class queue_core::busy_slots : pinned {
 public:
  explicit busy_slots(std::vector<slot*> these) noexcept : these_(std::move(these)) {
    for (slot* const each : these_) each->busy = true;
  }
  ~busy_slots() {
    for (slot* const each : these_) each->busy = false;
  }
  [[nodiscard]] std::vector<slot*>& all() noexcept { return these_; }

 private:
  std::vector<slot*> these_;
};

task<std::size_t> queue_core::handle_dead(std::shared_ptr<queue_core> self, std::string group,
                                          dead_letter_filter filter, bool purges) {
  std::size_t handled = 0;
  self->require_open("queue::redrive");
  group_state& from = self->require_group(group, "queue::redrive");
  const std::uint64_t last = self->log_->last();  // a message that dies again later is not taken again
  const bool staggered = filter.per_second > 0;
  while (handled < filter.at_most) {
    self->require_open("queue::redrive");
    const std::size_t most = std::min(filter.at_most - handled, staggered ? 1 : most_in_a_record);
    std::vector<slot*> these;
    for (slot* each = from.dead.first; each != nullptr && these.size() != most; each = each->next)
      if (each->token <= last && takes(filter, *each)) these.push_back(each);
    if (these.empty()) break;
    const std::size_t count = these.size();
    busy_slots busy(std::move(these));
    std::string record = new_record();
    entry_writer to(record);
    for (const slot* const each : busy.all())
      put_about(to, purges ? entry_kind::acked : entry_kind::redriven, *each);
    auto apply = [&](const appended&) noexcept {
      for (slot* const each : busy.all())
        if (purges)
          self->finish(*each);
        else
          self->index_.redrive(*each);
      busy.all().clear();
    };
    co_await self->append(record, apply);
    handled += count;
    if (staggered && handled < filter.at_most)
      co_await sleep_for(std::chrono::duration<double>(1 / filter.per_second));
  }
  self->tidy_if_due();
  co_return handled;
}

task<> queue_core::set_paused(std::shared_ptr<queue_core> self, std::string name, bool paused) {
  auto locking = self->groups_door_.lock();
  const auto lock = co_await std::move(locking);
  self->require_open("queue::pause");
  group_state& group = self->require_group(name, "queue::pause");
  if (group.paused == paused) co_return;
  std::string record = new_record();
  entry_writer to(record);
  put_group(to, group, paused);
  auto apply = [&](const appended& done) noexcept {
    group.paused = paused;
    group.segment = done.at.segment;
    group.wake_all();
  };
  co_await self->append(record, apply);
}

std::size_t queue_core::unfinished() const noexcept {
  std::size_t all = 0;
  for (const auto& each : index_.groups())
    for (const slot_state state : {slot_state::ready, slot_state::delayed, slot_state::leased})
      all += each->counts[static_cast<std::size_t>(state)];
  return all;
}

task<bool> queue_core::drain(std::shared_ptr<queue_core> self, loop_clock::time_point deadline) {
  bool has_time = true;
  self->require_open("queue::drain");
  self->draining_ = true;
  while (has_time && self->unfinished() != 0) {
    auto waiting = as_result(with_deadline(self->progress_.wait(), deadline));
    const result<void> woken = co_await std::move(waiting);
    has_time = woken.has_value();
    if (!woken && woken.error().code().category() != timeout_category()) woken.error().rethrow();
    self->require_open("queue::drain");
  }
  co_return self->unfinished() == 0;
}

bool queue_core::holds(lease_name lease) noexcept {
  if (closed_ || log_->is_stopped()) return true;  // an outcome says so
  index_.turn_due(loop_clock::now());
  message* const of = index_.find(lease.id);
  const slot* const which = of == nullptr ? nullptr : of->in(*index_.groups()[lease.group]);
  return which != nullptr && which->state == slot_state::leased && which->token == lease.token &&
         !which->busy;
}

}  // namespace braid::messaging::detail
