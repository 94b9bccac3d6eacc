#include "braid/sim/faulty.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <utility>
#include <vector>

#include "braid/loop/detail/perform.hpp"
#include "braid/loop/direct_calls.hpp"

namespace braid::sim {

namespace {

class faulty_reactor;

// Replaces an operation at the other reactor: with a shorter request, or to delay its completion.
class stand_in final : public io_operation {
 public:
  stand_in(faulty_reactor& home, io_operation& original, const request& what,
           loop_clock::duration late) noexcept
      : io_operation(on_finish, asked), home_(home), original_(original), asked(what), late_(late) {}
  // Removes the delay, because the descriptor is being closed.
  void remove_delay() noexcept { late_ = {}; }

 private:
  static void on_finish(operation_base& base, completion how);

  faulty_reactor& home_;
  io_operation& original_;
  request asked;
  loop_clock::duration late_;
};

class faulty_reactor final : public reactor {
 public:
  faulty_reactor(std::unique_ptr<reactor> over, fault_schedule& schedule, std::uint64_t seed)
      : over_(std::move(over)), schedule_(schedule), draws_(seed) {}

  const char* name() const noexcept override { return over_->name(); }
  void wake() noexcept override { over_->wake(); }
  void touched() noexcept override { over_->touched(); }
  std::size_t choose(std::size_t n) override { return over_->choose(n); }
  loop_clock::time_point now() const noexcept override { return over_->now(); }
  void leave_to_parent() noexcept override { over_->leave_to_parent(); }
  void offload(braid::detail::blocking_job& job) override { over_->offload(job); }
  bool withdraw(braid::detail::blocking_job& job) noexcept override { return over_->withdraw(job); }
  int offer_buffers(braid::detail::buffer_pool& pool) noexcept override { return over_->offer_buffers(pool); }
  bool simulates_threads() const noexcept override { return over_->simulates_threads(); }
  direct_calls& direct() noexcept override { return over_->direct(); }
  std::int64_t position_of(int descriptor) noexcept override { return over_->position_of(descriptor); }
  void set_position(int descriptor, std::int64_t offset, int whence) noexcept override {
    over_->set_position(descriptor, offset, whence);
  }
  std::size_t in_flight() const noexcept override {
    return over_->in_flight() + answers_.size() + held_.size();
  }

  void submit(io_operation& operation) noexcept override;
  void cancel(io_operation& operation) noexcept override;
  void cancel_all() noexcept override;
  void turn(patience how_long, braid::detail::inbox& messages) noexcept override;

  void stand_in_ended(stand_in& which, io_operation& original, completion how, loop_clock::duration late);

 private:
  // A completion to finish at `due`.
  struct answer {
    io_operation* operation;
    completion how;
    loop_clock::time_point due;
  };
  struct held {
    io_operation* operation;
    loop_clock::time_point until;
  };
  void answer_with(io_operation& operation, completion how, loop_clock::time_point due);
  void let_stand_in(io_operation& operation, const request& what, loop_clock::duration late);
  [[nodiscard]] std::int32_t cancel_held_of(int descriptor) noexcept;
  bool finish_due();
  void hand_over_due();

  const std::unique_ptr<reactor> over_;
  fault_schedule& schedule_;
  choices draws_;
  std::vector<answer> answers_;
  std::vector<held> held_;
  std::unordered_map<const io_operation*, std::unique_ptr<stand_in>> stand_ins_;  // by their original
  bool ending_ = false;
};

void stand_in::on_finish(operation_base& base, completion how) {
  auto& self = static_cast<stand_in&>(static_cast<io_operation&>(base));
  self.home_.stand_in_ended(self, self.original_, how, self.late_);
}

void faulty_reactor::submit(io_operation& operation) noexcept {
  const auto hit = schedule_.next(operation.what(), {}, draws_);
  const bool completes_often =
      operation.what().code == opcode::accept_many || operation.what().code == opcode::receive_many;
  if (operation.what().code == opcode::cancel_descriptor) {
    mark_begun(operation);
    const std::int32_t found = cancel_held_of(operation.what().descriptor);
    if (found != 0) return answer_with(operation, {found, 0}, now());  // the close asks again
    return let_stand_in(operation, operation.what(), {});
  }
  if (!hit || (completes_often && result_of(hit->what) == 0)) return over_->submit(operation);
  mark_begun(operation);
  request what = operation.what();
  switch (hit->what) {
    case fault::late: return let_stand_in(operation, what, hit->delay);
    case fault::would_block:
    case fault::delayed: return held_.push_back({&operation, now() + hit->delay});
    case fault::short_read:
    case fault::short_write:
      what = first_part_of(what);
      what.length = shorter(what.length, draws_);
      // nor may the transfer wait until everything has arrived
      if (what.code == opcode::receive) what.flags &= ~static_cast<std::uint32_t>(MSG_WAITALL);
      return let_stand_in(operation, what, {});
    case fault::lost: return answer_with(operation, {static_cast<std::int32_t>(what.length), 0}, now());
    case fault::duplicated:
      what.flags |= MSG_DONTWAIT;
      if (const std::int32_t ended = braid::detail::perform(what); ended < 0 && ended != -EAGAIN)
        return answer_with(operation, {ended, 0}, now());  // the socket reports an error only once
      return over_->submit(operation);
    case fault::reset: ::shutdown(what.descriptor, SHUT_RDWR); break;
    default: break;
  }
  answer_with(operation, {result_of(hit->what), 0}, now());
}

void faulty_reactor::answer_with(io_operation& operation, completion how, loop_clock::time_point due) {
  answers_.push_back({&operation, how, due});
}

void faulty_reactor::let_stand_in(io_operation& operation, const request& what, loop_clock::duration late) {
  auto& made = stand_ins_[&operation] = std::make_unique<stand_in>(*this, operation, what, late);
  may_block(*made) = may_block(operation);
  over_->submit(*made);
}

void faulty_reactor::stand_in_ended(stand_in& which, io_operation& original, completion how,
                                    loop_clock::duration late) {
  const auto found = stand_ins_.find(&original);
  BRAID_ASSERT(found != stand_ins_.end() && found->second.get() == &which);
  const std::unique_ptr<stand_in> ended = std::move(found->second);
  stand_ins_.erase(found);
  // The other reactor found none, but one may have been held back here meanwhile.
  if (original.what().code == opcode::cancel_descriptor && how.result == 0)
    how.result = cancel_held_of(original.what().descriptor);
  const bool is_given_up =
      std::exchange(cancel_of(original), {}) != cancel_request::none || how.result == -ECANCELED;
  if (late == loop_clock::duration::zero() || ending_ || is_given_up) return finish(original, how);
  answer_with(original, how, now() + late);
}

void faulty_reactor::cancel(io_operation& operation) noexcept {
  if (const auto found = stand_ins_.find(&operation); found != stand_ins_.end()) {
    cancel_of(operation) = cancel_request::made;
    return over_->cancel(*found->second);
  }
  const auto is_it = [&](const auto& each) { return each.operation == &operation; };
  if (std::erase_if(held_, is_it) != 0) return answer_with(operation, {-ECANCELED, 0}, now());
  const auto answered = std::ranges::find_if(answers_, is_it);
  if (answered == answers_.end()) return over_->cancel(operation);
  answered->due = now();  // it has completed already: the cancel only ends its delay
}

// Cancels the operations that are held back here, of which the other reactor does not know, and returns how
// many there were. Those at the other reactor lose their delay.
std::int32_t faulty_reactor::cancel_held_of(int descriptor) noexcept {
  std::int32_t found = 0;
  const auto is_of_it = [&](const auto& each) { return each.operation->what().descriptor == descriptor; };
  for (answer& each : answers_)
    if (is_of_it(each)) {
      each.due = now();
      ++found;
    }
  for (std::size_t n = 0; n < held_.size();) {
    if (!is_of_it(held_[n])) {
      ++n;
      continue;
    }
    answer_with(*held_[n].operation, {-ECANCELED, 0}, now());
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(n));
    ++found;
  }
  for (const auto& [original, made] : stand_ins_)
    if (made->what().descriptor == descriptor) made->remove_delay();
  return found;
}

void faulty_reactor::cancel_all() noexcept {
  ending_ = true;
  for (const held& each : std::exchange(held_, {})) answer_with(*each.operation, {-ECANCELED, 0}, now());
  for (answer& each : answers_) each.due = now();
  over_->cancel_all();
}

void faulty_reactor::turn(patience how_long, braid::detail::inbox& messages) noexcept {
  if (!answers_.empty() || !held_.empty()) {
    hand_over_due();
    if (finish_due()) how_long.may_wait = false;
    for (const answer& each : answers_) how_long.until = std::min(how_long.until, each.due);
    for (const held& each : held_) how_long.until = std::min(how_long.until, each.until);
  }
  over_->turn(how_long, messages);
  system_calls_ = over_->system_calls();
}

// Removes each answer only when it finishes the operation: a finished operation may cancel another one.
bool faulty_reactor::finish_due() {
  const auto at = now();
  const auto is_due = [&](const answer& each) { return each.due <= at; };
  const auto due = std::ranges::count_if(answers_, is_due);
  for (auto left = due; left != 0; --left) {
    const auto next = std::ranges::find_if(answers_, is_due);
    if (next == answers_.end()) break;
    const answer ended = *next;
    answers_.erase(next);
    finish(*ended.operation, ended.how);
  }
  return due != 0;
}

void faulty_reactor::hand_over_due() {
  const auto at = now();
  std::vector<io_operation*> due;
  std::erase_if(held_, [&](const held& each) {
    if (each.until > at) return false;
    due.push_back(each.operation);
    return true;
  });
  for (io_operation* each : due) over_->submit(*each);
}

}  // namespace

std::unique_ptr<reactor> faulty(std::unique_ptr<reactor> over, fault_schedule& schedule, std::uint64_t seed) {
  return std::make_unique<faulty_reactor>(std::move(over), schedule, seed);
}

}  // namespace braid::sim
