#include <algorithm>
#include <utility>

#include "braid/http/status.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/as_result.hpp"
#include "server_connection.hpp"

// How a server's connection moves bytes: ahead of what is read, out, and as a request's body, each with its
// deadline.

namespace braid::http::detail {

namespace {

constexpr std::size_t most_ahead = 32 << 10;  // bytes that are read before they are needed
constexpr std::size_t most_at_once = 64 << 10;  // for each of which a deadline holds

}  // namespace

// A deadline, for as long as an operation is in flight.
class server_connection::armed {
 public:
  armed(server_connection& of, loop_clock::time_point& which, loop_clock::duration d) noexcept
      : which_(which) {
    of.arm(which, d);
  }
  ~armed() { which_ = never; }
  armed(const armed&) = delete;
  armed& operator=(const armed&) = delete;

 private:
  loop_clock::time_point& which_;
};

void server_connection::watch() {
  if (reads_ahead_ && !out_.empty()) flush_aside();
  if (reads_ahead_ || ended_ || input_.size() >= most_ahead) return;
  reads_ahead_ = true;
  try {
    within_->spawn(read_ahead());
  } catch (...) {
    reads_ahead_ = false;  // without memory it goes on unwatched
  }
}

// The handler waits: the responses before this one need not.
void server_connection::flush_aside() {
  try {
    within_->spawn(flush());
  } catch (...) {  // without memory they are sent with this one
  }
}

task<> server_connection::read_ahead() {
  struct over {
    server_connection& self;
    ~over() {
      self.reads_ahead_ = false;
      self.arrived_.set();
    }
  } const at_end{*this};
  if (!out_.empty()) co_await flush();  // the responses before this one
  while (!ended_ && input_.size() < most_ahead) {
    auto reading = as_result(client_.read_some(input_.room()));
    const result<std::size_t> got = co_await std::move(reading);
    if (!got && got.error().is_requested_cancellation()) got.error().rethrow();
    if (!got || *got == 0) {
      input_ended(!got);
    } else {
      input_.commit(*got);
      arrived_.set();
    }
  }
}

void server_connection::input_ended(bool failed) noexcept {
  ended_ = true;
  broken_ = broken_ || failed;
  if (phase_ == phase::answer && (failed || server_.options.end_of_input_is_gone)) cut_off(cut::gone);
}

// Waits until more has arrived than the caller has seen. Returns how much, 0 at the end.
task<std::size_t> server_connection::fill(std::uint64_t seen) {
  if (phase_ == phase::answer) watch();
  while (reads_ahead_ && input_.received() == seen) co_await arrived_.wait();
  if (input_.received() != seen) co_return input_.received() - seen;
  if (ended_) co_return 0;
  auto reading = as_result(client_.read_some(input_.room()));
  const result<std::size_t> got = co_await std::move(reading);
  if (!got && got.error().is_requested_cancellation()) got.error().rethrow();
  if (!got || *got == 0)
    input_ended(!got);
  else
    input_.commit(*got);
  co_return got.value_or(0);
}

task<> server_connection::flush() {
  const auto alone = co_await writing_.lock();
  while (!out_.empty()) {
    std::swap(out_, sending_);
    co_await write(sending_);
    sending_.clear();
  }
}

task<> server_connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, most_at_once);
    const armed in_time(*this, written_by_, server_.options.deadlines.write);
    auto writing = as_result(client_.write_all(part));
    const result<void> written = co_await std::move(writing);
    if (!written) {
      broken_ = true;
      if (!written.error().is_requested_cancellation()) cut_off(cut::gone);
      written.error().rethrow();
    }
    bytes.remove_prefix(part.size());
  }
}

void server_connection::begin_body() {
  body_whole_ = !parser_.has_body();
  body_failed_ = false;
  owes_continue_ = parser_.expects_continue() && !body_whole_;
  body_received_ = body_counted_ = 0;
  body_waited_ = {};
  request_.body = body();
  if (!body_whole_) request_.body = body(std::unique_ptr<body_source, leave_source>(&source_));
}

std::optional<std::uint64_t> server_connection::body_left() const noexcept {
  if (body_whole_) return 0;
  if (parser_.is_chunked()) return std::nullopt;
  return parser_.content_length() - body_received_;
}

task<std::optional<std::string>> server_connection::next_piece() {
  std::optional<std::string> piece;
  while (!piece && !body_whole_) {
    if (body_failed_) status_error(400, "the rest of a body that could not be read").rethrow();
    if (input_.empty()) {
      co_await wait_for_body();
      continue;
    }
    owes_continue_ = false;
    const auto got = parser_.parse_body(input_.data(), input_.size());
    body_received_ += got.body;
    const bool too_long = body_received_ > server_.options.limits.body;
    body_failed_ = too_long || got.how == message_parser::state::failed;
    if (too_long) status_error(413, "a body of more bytes than the server allows").rethrow();
    if (body_failed_) status_error(parser_.status(), parser_.why()).rethrow();
    if (got.body != 0) piece.emplace(input_.data(), got.body);
    input_.consume(got.read);
    body_whole_ = got.how == message_parser::state::whole;
  }
  co_return piece;
}

task<> server_connection::wait_for_body() {
  const std::uint64_t seen = input_.received();
  if (std::exchange(owes_continue_, false) && !answering_) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
  if (!out_.empty()) co_await flush();
  if (body_received_ - body_counted_ >= most_at_once) {
    body_counted_ = body_received_;
    body_waited_ = {};
  }
  const auto since = loop_clock::now();
  std::size_t got = 0;
  {
    const armed in_time(*this, read_by_, server_.options.deadlines.body - body_waited_);
    got = co_await fill(seen);
  }
  body_waited_ += loop_clock::now() - since;
  if (got != 0) co_return;
  body_failed_ = true;
  error(make_error_code(errc::end_of_stream), "http::body::next").rethrow();
}

void server_connection::arm(loop_clock::time_point& which, loop_clock::duration d) noexcept {
  which = loop_clock::after(d);
  if (!alarm_set_ || which < timer_.deadline()) set_alarm(which);
}

void server_connection::set_alarm(loop_clock::time_point at) noexcept {
  operation_context& here = loop::current().operations();
  if (std::exchange(alarm_set_, true)) return here.move(timer_, at);
  alarm_off_.reset();
  here.add(timer_, at);
}

void server_connection::on_alarm(bool due) noexcept {
  alarm_set_ = false;
  const auto now = loop_clock::now();
  if (due && read_by_ <= now) {
    cut_off(phase_ == phase::idle ? cut::idle : cut::late);
  } else if (due && written_by_ <= now) {
    broken_ = true;
    cut_off(cut::stalled);
  } else if (const auto next = std::min(read_by_, written_by_); due && next != never) {
    return set_alarm(next);
  }
  alarm_off_.set();
}

task<> server_connection::end_alarm() {
  if (alarm_set_) loop::current().operations().cancel(timer_);
  co_await alarm_off_.wait();
}

}  // namespace braid::http::detail
