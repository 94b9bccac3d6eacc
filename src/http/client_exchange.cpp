#include <algorithm>
#include <system_error>
#include <utility>

#include "braid/combine/when_any_settled.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/spawn.hpp"
#include "client_pool.hpp"
#include "gathered.hpp"
#include "response_head.hpp"

namespace braid::http::detail {

namespace {

constexpr int most_interim = 20;  // responses like 100 before the one that counts

task<> pause() {
  for (int turns = 0; turns < 3; ++turns) co_await yield();
}

}  // namespace

client_exchange::client_exchange(any_stream stream, std::string server, const client_options& options)
    : stream_(std::move(stream)),
      server_(std::move(server)),
      options_(options),
      parser_(HTTP_RESPONSE, {options.head, options.head, options.fields}) {}

error client_exchange::no_http(const char* why) const {
  return error(std::make_error_code(std::errc::bad_message), "http::client::fetch",
               server_ + " (" + why + ")");
}
error client_exchange::ended_early() const {
  return error(make_error_code(errc::end_of_stream), "http::client::fetch", server_);
}

bool client_exchange::is_short(const body& one) noexcept {
  return one.whole() != nullptr && one.whole()->size() <= most_gathered;
}

task<response> client_exchange::ask(std::string_view head, request& asked, bool holds_back) {
  parser_.begin();
  received_ = 0;
  answered_ = false;
  whole_ = true;
  stays_ = false;  // until the response says otherwise
  unsent_.reset();
  write_failed_ = false;
  holds_back_ = holds_back;
  sending_ended_.reset();
  out_.assign(head);
  const bool at_once = is_short(asked.body);
  if (at_once || holds_back) {
    if (at_once) out_ += *asked.body.whole();
    auto writing = as_result(write(out_));
    const result<void> written = co_await std::move(writing);
    out_.clear();
    if (!written) unsent_ = written.error();
    if (!written && written.error().is_requested_cancellation()) unsent_->rethrow();
  }
  // After a failure to send there may be a response that says why.
  auto hearing = as_result(at_once || unsent_ ? read_head() : hear(asked));
  const result<void> got = co_await std::move(hearing);
  if (!got) {
    auto stopping = shield(stop_sending());  // it may be using the request
    co_await std::move(stopping);
    (unsent_ && !got.error().is_requested_cancellation() ? *unsent_ : got.error()).rethrow();
  }
  if (parser_.response_status() / 100 == 3) co_await end_sending();  // another request may repeat the body
  if (!sent_ && asked.body.whole() != nullptr && !asked.body.whole()->empty())
    body_ = std::move(asked.body);  // the string's bytes stay where they are
  response given;
  parser_.give_head(input_.filled(), given);
  input_.consume(parser_.head_size());
  stays_ = parser_.keeps_alive() && !unsent_ && !holds_back_;
  whole_ = asked.method == "HEAD" || given.status == 204 || given.status == 304 || !parser_.has_body();
  if (whole_) co_await end_sending();
  co_return given;
}

// Sends the body while it reads the head of the response, unless that comes while the body is held back.
task<> client_exchange::hear(request& asked) {
  if (holds_back_) co_await await_continue();
  if (holds_back_) co_return;
  const std::string* const whole = asked.body.whole();
  sent_ = false;
  if (whole == nullptr) body_ = std::move(asked.body);
  sending_ = spawn(send(shared_from_this(), whole != nullptr ? *whole : std::string_view()));
  co_await read_head();
}

task<> client_exchange::await_continue() {
  auto waiting = as_result(with_timeout(read_head(), options_.await_continue));
  const result<void> heard = co_await std::move(waiting);
  if (heard) co_return;
  if (heard.error().code().category() != timeout_category()) heard.error().rethrow();
  holds_back_ = false;  // it may be a server that does not answer the question
}

task<> client_exchange::read_head() {
  int interim = 0;
  for (bool more = true; more;) {
    if (input_.empty()) {
      const std::size_t got = co_await fill(options_.answer);
      if (got == 0) ended_early().rethrow();
    }
    answered_ = true;
    const auto how = parser_.parse_head(input_.filled());
    if (how == message_parser::state::failed) no_http(parser_.why()).rethrow();
    if (how == message_parser::state::more) {
      const std::size_t got = co_await fill(options_.answer);
      if (got == 0) ended_early().rethrow();
      continue;
    }
    more = parser_.response_status() / 100 == 1;
    if (!more) break;
    if (parser_.response_status() == 101 || ++interim > most_interim)
      no_http("another protocol, or too many interim responses").rethrow();
    const bool goes_on = parser_.response_status() == 100 && holds_back_;
    input_.consume(parser_.head_size());
    parser_.begin();
    if (!goes_on) continue;
    holds_back_ = false;
    co_return;
  }
}

task<> client_exchange::send(std::shared_ptr<client_exchange> self, std::string_view whole) {
  auto sending = as_result(whole.empty() ? self->send_pieces() : self->write_both(whole));
  const result<void> ended = co_await std::move(sending);
  if (!ended) {
    self->unsent_ = ended.error();
    self->stays_ = false;
  }
  self->sent_ = true;
  self->sending_ended_.set();
}

task<> client_exchange::write_both(std::string_view whole) {
  co_await write(out_);
  co_await write(whole);
}

task<> client_exchange::send_pieces() {
  const auto size = body_.size();
  std::uint64_t left = size.value_or(0);
  for (bool more = true; more;) {
    co_await write(out_);
    out_.clear();
    const std::optional<std::string> piece = co_await body_.next();
    more = piece.has_value();
    if (!more) break;
    if (size && piece->size() > left)
      invalid_argument_error("http::client::fetch", "the body is longer than its size").rethrow();
    left -= size ? piece->size() : 0;
    if (size)
      out_ += *piece;
    else
      append_chunk(out_, *piece);
  }
  if (left != 0) invalid_argument_error("http::client::fetch", "the body is shorter than its size").rethrow();
  if (size) co_return;
  append_chunk(out_, {});
  co_await write(out_);
}

task<> client_exchange::write(std::string_view bytes) {
  constexpr std::size_t most_at_once = 64 << 10;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, most_at_once);
    auto writing = as_result(with_timeout(stream_.write_all(part), options_.stall));
    const result<void> written = co_await std::move(writing);
    if (!written) {
      write_failed_ = true;
      written.error().rethrow();
    }
    bytes.remove_prefix(part.size());
  }
}

// The response is whole, and what is not sent yet is of no use. The sender lets go of the body before the
// caller goes on, who may own what the body reads from.
task<> client_exchange::end_sending() {
  if (sent_) co_return;
  stays_ = false;
  auto stopping = shield(stop_sending());
  co_await std::move(stopping);
  body_ = body();
}

task<> client_exchange::stop_sending() {
  leave();
  while (!sent_) co_await sending_ended_.wait();
}

// While the body is being sent, the server may well wait for more of it: the time counts from its end. If the
// body cannot be made, nothing more will come.
task<std::size_t> client_exchange::fill(loop_clock::duration within) {
  std::size_t got = 0;
  if (!sent_) {
    auto either = when_any_settled(stream_.read_some(input_.room()), sending_ended_.wait());
    auto [first, results] = co_await std::move(either);
    const result<std::size_t>& read = std::get<0>(results);
    if (read || first == 0) {
      got = read.value();
      input_.commit(got);
      co_return got;
    }
    if (!std::get<1>(results)) std::get<1>(results).error().rethrow();
    if (unsent_ && !write_failed_) unsent_->rethrow();
  }
  auto reading = with_timeout(stream_.read_some(input_.room()), within);
  got = co_await std::move(reading);
  input_.commit(got);
  co_return got;
}

task<std::optional<std::string>> client_exchange::next() {
  std::optional<std::string> piece;
  while (!piece && !whole_) {
    if (input_.empty()) {
      const std::size_t got = co_await fill(options_.stall);
      if (got != 0) continue;
      stays_ = false;
      whole_ = parser_.ends_with_connection() && parser_.end();
      if (!whole_) ended_early().rethrow();
      break;
    }
    const auto got = parser_.parse_body(input_.data(), input_.size());
    if (got.how == message_parser::state::failed) {
      stays_ = false;
      no_http(parser_.why()).rethrow();
    }
    received_ += got.body;
    if (got.body != 0) piece.emplace(input_.data(), got.body);
    input_.consume(got.read);
    whole_ = got.how == message_parser::state::whole;
  }
  if (whole_) co_await end_sending();
  co_return piece;
}

std::optional<std::uint64_t> client_exchange::left() const noexcept {
  if (whole_) return 0;
  if (parser_.is_chunked() || parser_.ends_with_connection()) return std::nullopt;
  return parser_.content_length() - received_;
}

task<bool> client_exchange::is_stale() {
  if (!input_.empty()) co_return true;
  auto trying = when_any_settled(stream_.read_some(input_.room()), pause());
  const auto [first, results] = co_await std::move(trying);
  co_return first == 0 || std::get<0>(results).has_value();
}

}  // namespace braid::http::detail
