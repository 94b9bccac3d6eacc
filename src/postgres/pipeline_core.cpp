#include "pipeline_core.hpp"

#include <poll.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "braid/combine/with_stop_token.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/start.hpp"

namespace braid::postgres::detail {

namespace {

constexpr const char* pipeline_call = "postgres::pipeline";
constexpr std::size_t flush_after = 65536;  // bytes; libpq sends no earlier by itself

std::vector<order> orders_of(batch& all, link& by) {
  std::vector<order> made;
  made.reserve(all.size());
  for (batch::one_statement& each : all.statements()) {
    std::string name = each.prepared.name().empty() ? "" : name_of(&by, each.prepared, pipeline_call);
    made.emplace_back(std::move(each.text), std::move(name), false, std::move(each.with));
    check(made.back(), pipeline_call);
  }
  return made;
}

std::size_t size_of(const order& what) {
  std::size_t size = what.text.size();
  for (const parameters::sent_value& each : what.with.values()) size += each.bytes.size();
  return size;
}

bool is_error(ExecStatusType status) {
  return status == PGRES_BAD_RESPONSE || status == PGRES_NONFATAL_ERROR || status == PGRES_FATAL_ERROR;
}

}  // namespace

pipeline_core::pipeline_core(link& on, pipeline_options how) : link_(&on), how_(how) {
  if (how.at_most == 0) invalid_argument_error(pipeline_call, "at_most is 0").rethrow();
  turn_.emplace(on);
  on.check(pipeline_call);
  if (PQenterPipelineMode(on.handle()) != 1) on.refuse(pipeline_call);
}

pipeline_core::~pipeline_core() { link::finish_with(left_); }

std::size_t pipeline_core::waiting() const noexcept {
  std::size_t count = 0;
  for (const group_ptr& each : waiting_) count += each->statements.size() - each->sent;
  return count;
}

// ---- the operations --------------------------------------------------------------------------------------

link& pipeline_core::checked(const char* by) {
  if (link_ == nullptr) misuse_error("postgres::pipeline: it has ended").rethrow();
  if (!link_->is_open()) error(errc::connection_closed, by).rethrow();
  if (is_idle() && rested_.is_set()) link_->check(by);  // else a loss is found by the coroutines
  return *link_;
}

task<std::vector<rows>> pipeline_core::run(std::shared_ptr<pipeline_core> self, batch all) {
  co_await not_stopped();
  link& over = self->checked(pipeline_call);
  const group_ptr mine = std::make_shared<statement_group>();
  mine->statements = orders_of(all, over);
  if (mine->statements.empty()) co_return std::vector<rows>();
  mine->results.reserve(mine->statements.size());
  self->begin(mine);
  auto waiting = as_result(mine->done.wait());
  const result<void> waited = co_await std::move(waiting);
  if (!mine->done.is_set()) {
    self->give_up(*mine);
    waited.error().rethrow();
  }
  if (mine->failed) mine->failed->rethrow();
  co_return std::move(mine->results);
}

void pipeline_core::begin(const group_ptr& one) {
  waiting_.push_back(one);
  idle_.reset();
  try {
    start_reading();
  } catch (...) {
    waiting_.pop_back();
    if (is_idle()) idle_.set();
    throw;
  }
  progress();
}

// What was sent in part is sent whole: the server would commit the first part alone.
void pipeline_core::give_up(statement_group& one) noexcept {
  one.wanted = false;
  if (one.sent == 0) std::erase_if(waiting_, [&](const group_ptr& each) { return each.get() == &one; });
  progress();
}

task<> pipeline_core::end(std::shared_ptr<pipeline_core> self) {
  link* const over = self->link_;
  if (over == nullptr) co_return;
  auto waiting = as_result(self->idle_.wait());
  result<void> ended = co_await std::move(waiting);
  if (!ended) self->lose(nullptr);
  while (!self->rested_.is_set()) co_await shield(self->rested_.wait());
  co_await over->await_cancels();
  self->link_ = nullptr;
  const bool is_clean = over->is_open() && over->is_settled() && PQexitPipelineMode(over->handle()) == 1;
  self->turn_.reset();
  if (!is_clean) over->close();
  if (!ended) ended.error().rethrow();
}

void pipeline_core::leave() noexcept {
  link* const over = std::exchange(link_, nullptr);
  if (over == nullptr) return;
  const bool is_clean = is_idle() && rested_.is_set() && over->is_settled();
  if (is_clean && over->is_open() && PQexitPipelineMode(over->handle()) == 1) return turn_.reset();
  left_ = over->give_away();
  turn_.reset();
  if (reading_) reading_->request_stop();
  if (writing_) writing_->request_stop();
  waiting_.clear();
  owed_.clear();
}

// ---- the connection --------------------------------------------------------------------------------------

// Sends what can be sent, and takes what has come.
void pipeline_core::progress() noexcept {
  if (link_ == nullptr || link_->handle() == nullptr) return;
  try {
    do {
      take_results();  // which makes room
    } while (!link_->is_lost() && send_one());
    link_->keep_notifications();
    if (unsent_ && !link_->is_lost()) start_writing();
  } catch (...) {
    const error why = error::current();
    lose(&why);
  }
  if (link_->is_lost()) lose(nullptr);
  if (!is_idle()) return;
  idle_.set();
  if (reads_ && reading_) {
    may_rest_ = true;
    reading_->request_stop();
  }
}

// The next statement or sync. False if there is none, or if it has to wait.
bool pipeline_core::send_one() {
  if (unsent_ || waiting_.empty()) return false;
  const group_ptr one = waiting_.front();
  if (one->sent == 0 && in_flight_ >= how_.at_most) return false;
  if (one->sent == 0) owed_.push_back(one);
  if (one->sent != one->statements.size()) {
    order& next = one->statements[one->sent];
    const std::size_t size = size_of(next);
    ++one->sent;  // whether libpq has taken a part of it is unknown if it fails
    if (!send(*link_, next)) link_->break_off();
    next = order("", "", false, parameters());  // libpq has a copy
    ++in_flight_, ++owed_results_;
    unflushed_ += size;
    if (unflushed_ < flush_after) return true;
  } else {
    waiting_.pop_front();
    if (PQpipelineSync(link_->handle()) != 1) link_->break_off();
    ++owed_results_;
  }
  unflushed_ = 0;
  unsent_ = PQflush(link_->handle()) > 0;
  return true;
}

void pipeline_core::take_results() {
  int nothing = 0;  // libpq says so behind each statement
  while (owed_results_ != 0 && nothing < 3 && !link_->is_lost() && PQisBusy(link_->handle()) == 0) {
    result_ptr one(PQgetResult(link_->handle()));
    nothing = one == nullptr ? nothing + 1 : 0;
    take(std::move(one));
  }
  if (nothing == 3) link_->break_off();
}

void pipeline_core::take(result_ptr one) {
  statement_group& of = *owed_.front();
  const ExecStatusType status = PQresultStatus(one.get());
  if (one == nullptr) {
    if (of.answered == of.sent) return;  // behind the error of a commit
    ++of.answered;
    --in_flight_, --owed_results_;
  } else if (status == PGRES_PIPELINE_SYNC) {
    --owed_results_;
    const group_ptr ended = std::move(owed_.front());
    owed_.pop_front();
    ended->done.set();
  } else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
    of.failed = misuse_error("postgres::pipeline: COPY has functions of its own");
    link_->break_off();
  } else if (is_error(status)) {
    if (!of.failed) note(one.get(), of);
    const char* severity = PQresultErrorField(one.get(), PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity != nullptr && std::string_view(severity) != "ERROR") link_->break_off();  // it takes leave
  } else if (status != PGRES_PIPELINE_ABORTED && of.results.size() < of.statements.size()) {
    of.results.emplace_back(std::move(one));
  }
}

// The first error of a group.
void pipeline_core::note(const pg_result* said, statement_group& of) {
  std::string where = pipeline_call;
  if (of.answered == of.statements.size())
    where += ": at the commit";
  else if (of.statements.size() > 1)
    where += ": statement " + std::to_string(of.answered + 1) + " of " + std::to_string(of.statements.size());
  of.failed = error_of(said, where.c_str());
}

// The connection is lost: so are the groups.
void pipeline_core::lose(const error* why) noexcept {
  link_->break_off();
  std::string reason;
  try {
    reason = last_error(link_->handle());
  } catch (...) {
    // no memory for it
  }
  for (const group_ptr& each : owed_) fail(*each, errc::outcome_unknown, reason, why);
  for (const group_ptr& each : waiting_)
    if (each->sent == 0) fail(*each, errc::connection_lost, reason, why);
  owed_.clear();
  waiting_.clear();
  owed_results_ = in_flight_ = 0;
  unsent_ = false;
  idle_.set();
  may_rest_ = true;
  if (reads_ && reading_) reading_->request_stop();
  if (writes_ && writing_) writing_->request_stop();
}

void pipeline_core::fail(statement_group& one, errc how, const std::string& reason,
                         const error* why) noexcept {
  std::optional<error> before = std::move(one.failed);
  try {
    one.failed = error(how, pipeline_call, reason);
    if (why != nullptr && *why == std::errc::operation_canceled) {  // the loop ends
      one.failed = *why;
      one.failed->set_requested(true);
      why = nullptr;
    }
    if (before) one.failed->suppress(*std::move(before));
    if (why != nullptr) one.failed->suppress(*why);
  } catch (...) {
    one.failed = error(how);
  }
  one.done.set();
}

// ---- the coroutines --------------------------------------------------------------------------------------

pipeline_core::loop_mark::~loop_mark() {
  which_ = false;
  if (!of_.reads_ && !of_.writes_) of_.rested_.set();
}

void pipeline_core::start_reading() {
  if (reads_) return;
  rested_.reset();
  try {
    reading_.emplace();
    detach(read(shared_from_this()));
  } catch (...) {
    if (!reads_ && !writes_) rested_.set();
    throw;
  }
}

void pipeline_core::start_writing() {
  if (writes_) return;
  rested_.reset();
  writing_.emplace();
  detach(write(shared_from_this()));
}

// One that was stopped because there was nothing to read may be wanted again by now.
task<> pipeline_core::read(std::shared_ptr<pipeline_core> self) {
  pipeline_core& core = *self;
  {
    const loop_mark here(core, core.reads_);
    core.may_rest_ = false;
    while (core.link_ != nullptr && !core.is_idle()) {
      auto waiting = as_result(
          with_stop_token(wait_for(PQsocket(core.link_->handle()), POLLIN), core.reading_->get_token()));
      const result<void> waited = co_await std::move(waiting);
      if (core.link_ == nullptr) break;
      if (!waited && std::exchange(core.may_rest_, false)) break;
      if (!waited) core.lose(&waited.error());  // the loop ends
      core.link_->read();
      core.progress();
    }
  }
  if (core.link_ == nullptr || core.is_idle()) co_return;
  try {
    core.start_reading();
  } catch (...) {
    const error why = error::current();
    core.lose(&why);
  }
}

task<> pipeline_core::write(std::shared_ptr<pipeline_core> self) {
  const loop_mark here(*self, self->writes_);
  while (self->link_ != nullptr && self->unsent_) {
    auto waiting = as_result(
        with_stop_token(wait_for(PQsocket(self->link_->handle()), POLLOUT), self->writing_->get_token()));
    const result<void> waited = co_await std::move(waiting);
    if (!waited || self->link_ == nullptr || self->link_->is_lost()) co_return;
    self->unsent_ = PQflush(self->link_->handle()) > 0;
    self->progress();
  }
}

}  // namespace braid::postgres::detail
