#include "server_connection.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <system_error>
#include <utility>

#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/http/status.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/style/shield.hpp"
#include "gathered.hpp"
#include "meanwhile.hpp"

namespace braid::http::detail {

namespace {

constexpr std::uint64_t most_dropped = 64 << 10;  // of a request's body that no handler has read

head_limits of(const server_limits& limits) noexcept {
  return {limits.target, limits.head, limits.fields, limits.body};
}

}  // namespace

server_connection::server_connection(server_core& server, any_stream client, std::optional<endpoint> peer)
    : server_(server), client_(std::move(client)), parser_(HTTP_REQUEST, of(server.options.limits)) {
  request_.peer = peer;
  server_.all.push_back(*this);
  ++server_.connections;
}

server_connection::~server_connection() {
  --server_.connections;
  if (is_turned_away_) --server_.turned_away;
  unlink();
}

void server_connection::shut_down() noexcept {
  keeps_alive_ = false;
  if (phase_ != phase::idle || !input_.empty()) return;
  if (requests_ != 0) return cut_off(cut::shut_down);
  if (read_by_ != never) arm(read_by_, server_.options.deadlines.linger);  // its request may be under way
}

void server_connection::cut_off(cut why) noexcept {
  if (cut_ != cut::none) return;
  cut_ = why;
  const bool late = why == cut::late || why == cut::idle || why == cut::stalled;
  const auto otherwise = why == cut::gone ? stop_reason::not_needed : stop_reason::shut_down;
  cut_source_.request_stop(late ? stop_reason::timed_out : otherwise);
}

task<> server_connection::run() {
  std::optional<error> failed;
  if (server_.connections - server_.turned_away > server_.options.limits.connections) {
    is_turned_away_ = true;
    ++server_.turned_away;
    ++server_.refused;
    forget_request();
    response busy(503);
    busy.headers.add("retry-after", std::to_string(server_.options.overload.retry_after.count()));
    refuse(std::move(busy));
  } else {
    const auto talk = [this](scope& within) {
      within_ = &within;
      return converse();
    };
    auto talking = as_result(with_stop_token(with_scope(talk), cut_source_.get_token()));
    const result<void> ended = co_await std::move(talking);
    if (!ended && cut_ == cut::none) failed = ended.error();
  }
  auto ending = shield(end(failed.has_value()));
  co_await std::move(ending);
  if (failed) failed->rethrow();
}

task<> server_connection::converse() {
  bool goes_on = true;
  while (goes_on) {
    goes_on = co_await read_head();
    if (goes_on) goes_on = co_await answer();
  }
  if (!broken_) co_await flush();
  within_->request_stop();  // of the read ahead
}

task<bool> server_connection::read_head() {
  parser_.begin();
  phase_ = phase::idle;
  bool is_whole = false;
  while (!is_whole) {
    const std::uint64_t seen = input_.received();
    if (!input_.empty()) {
      const auto how = parser_.parse_head(input_.filled());
      is_whole = how == message_parser::state::whole;
      if (is_whole) break;
      if (how == message_parser::state::failed) {
        forget_request();
        refuse(response(parser_.status()));
        co_return false;
      }
      if (std::exchange(phase_, phase::head) == phase::idle) read_by_ = never;
    } else if (server_.ends() && requests_ != 0) {
      co_return false;
    }
    if (!out_.empty()) co_await flush();
    const server_deadlines& deadlines = server_.options.deadlines;
    const auto idle = server_.shuts_down ? deadlines.linger : deadlines.idle;
    if (read_by_ == never) arm(read_by_, phase_ == phase::idle ? idle : deadlines.head);
    const std::size_t got = co_await fill(seen);
    if (got != 0) continue;
    if (!input_.empty() && !broken_) {
      forget_request();
      refuse(response(400));  // it has ended within a head
    }
    co_return false;
  }
  read_by_ = never;
  parser_.give_head(input_.filled(), request_);
  input_.consume(parser_.head_size());
  co_return true;
}

task<bool> server_connection::answer() {
  const server_options& options = server_.options;
  if (options.on_access) begun_ = loop_clock::now();
  ++server_.requests;
  ++requests_;
  phase_ = phase::answer;
  answering_ = false;
  sent_body_ = 0;
  keeps_alive_ =
      parser_.keeps_alive() && requests_ < options.limits.requests_per_connection && !server_.ends();
  begin_body();
  response given;
  permit place;
  if (parser_.content_length() > options.limits.body) {
    given.status = 413;
  } else {
    place = server_.places.try_acquire();
    if (!place) place = co_await admit();
    if (place) {
      given = co_await ask_handler();
    } else {
      ++server_.refused;
      given.status = 503;
      given.headers.add("retry-after", std::to_string(options.overload.retry_after.count()));
    }
  }
  co_await send(given);
  if (options.on_access) note_access(given.status);
  bool goes_on = keeps_alive_;
  if (goes_on && !body_whole_) goes_on = co_await drop_rest_of_body();
  drops_input_ = !goes_on && !ended_;
  request_.body = body();
  co_return goes_on;
}

// A place for the handler, or none if there is none in time.
task<server_connection::permit> server_connection::admit() {
  const server_overload& overload = server_.options.overload;
  permit place;
  if (server_.waiting >= overload.waiting || overload.longest_wait <= loop_clock::duration::zero())
    co_return place;
  struct counted {
    explicit counted(std::size_t& which) noexcept : n(which) { ++n; }
    ~counted() { --n; }
    std::size_t& n;
  } const waits(server_.waiting);
  watch();
  auto waiting = as_result(with_timeout(server_.places.acquire(), overload.longest_wait));
  result<semaphore::permit> got = co_await std::move(waiting);
  if (got)
    place = *std::move(got);
  else if (got.error().code().category() != timeout_category())
    got.error().rethrow();
  co_return place;
}

task<response> server_connection::ask_handler() {
  const stop_token stop = co_await get_stop_token();
  std::optional<error> failed;
  response given;
  try {
    auto asking = meanwhile(server_.answer(request_), [this]() noexcept { watch(); });
    const auto limit = time_limit();
    if (limit)
      given = co_await with_timeout(std::move(asking), *limit);
    else
      given = co_await std::move(asking);
  } catch (...) {
    failed = error::current();
  }
  if (!failed) co_return given;
  if (stop.stop_requested() || loop::current().operations().ending()) failed->rethrow();
  co_return answer_to(*failed);
}

// What the client says about the time that it waits.
std::optional<loop_clock::duration> server_connection::time_limit() const noexcept {
  if (!server_.options.takes_deadlines) return std::nullopt;
  const auto said = request_.headers.get("request-timeout-ms");
  if (!said) return std::nullopt;
  std::uint32_t ms = 0;
  const auto [end, failed] = std::from_chars(said->data(), said->data() + said->size(), ms);
  if (failed != std::errc() || end != said->data() + said->size()) return std::nullopt;
  return std::chrono::milliseconds(ms);
}

response server_connection::answer_to(const error& why) {
  const std::error_code code = why.code();
  if (code.category() == status_category() && code.value() >= 200 && code.value() <= 599)
    return response(code.value());
  if (body_failed_ && why == errc::end_of_stream) return response(400);
  const bool late = code.category() == timeout_category();
  if (!late || !time_limit()) server_.options.on_error(why);
  return response(late ? 504 : 500);
}

response_form server_connection::form_of(response& given) {
  if (given.status < 200 || given.status > 599) {
    server_.options.on_error(invalid_argument_error("http::response", "the status is not from 200 to 599"));
    given = response(500);
  }
  if (given.status == 205) given.body = body();  // it has none, by RFC 9110
  if (given.headers.lists("connection", "close")) keeps_alive_ = false;
  const bool may_stream_request = given.body.whole() == nullptr;
  if (!body_whole_ && !may_stream_request) {
    const auto left = body_left();
    if (owes_continue_ || body_failed_ || (left && *left > most_dropped)) keeps_alive_ = false;
  }
  response_form form{framing::none};
  form.to_http_1_0 = request_.is_http_1_0;
  const auto size = given.body.size();
  if (given.status == 204 || given.status == 304) {
    form.how = framing::none;
  } else if (size) {
    form.how = framing::length;
    form.length = *size;
  } else if (request_.is_http_1_0) {
    form.how = framing::until_end;
    keeps_alive_ = false;
  } else {
    form.how = framing::chunked;
  }
  form.keeps_alive = keeps_alive_;
  return form;
}

task<> server_connection::send(response& given) {
  const response_form form = form_of(given);
  answering_ = true;
  append_head(out_, given, form);
  if (form.how == framing::none || request_.method == "HEAD") co_return;
  if (const std::string* const whole = given.body.whole())
    co_await send_whole(*whole);
  else
    co_await stream(given.body, form);
}

task<> server_connection::send_whole(std::string_view bytes) {
  sent_body_ = bytes.size();
  const std::size_t gathered = bytes.size() <= most_gathered ? bytes.size() : most_gathered / 2;
  out_ += bytes.substr(0, gathered);
  if (gathered == bytes.size() && out_.size() <= 2 * most_gathered) co_return;
  co_await flush();
  const auto alone = co_await writing_.lock();
  co_await write(bytes.substr(gathered));
}

task<> server_connection::stream(body& from, response_form form) {
  const stop_token stop = co_await get_stop_token();
  std::optional<error> failed;
  std::uint64_t left = form.length;
  end_says_whole_ = form.how == framing::until_end;
  watch();
  for (bool more = true; more && !failed;) {
    co_await flush();
    std::optional<std::string> piece;
    try {
      piece = co_await from.next();
    } catch (...) {
      failed = error::current();
    }
    more = piece.has_value();
    if (!more) break;
    if (form.how == framing::length && piece->size() > left) {
      failed = invalid_argument_error("http::response", "the body is longer than its size");
      break;
    }
    left -= form.how == framing::length ? piece->size() : 0;
    sent_body_ += piece->size();
    if (form.how == framing::chunked)
      append_chunk(out_, *piece);
    else
      out_ += *piece;
  }
  if (!failed && form.how == framing::length && left != 0)
    failed = invalid_argument_error("http::response", "the body is shorter than its size");
  if (!failed) {
    if (form.how == framing::chunked) append_chunk(out_, {});
    co_return;
  }
  broken_ = true;  // so that the client cannot take what it has for the whole
  keeps_alive_ = false;
  if (stop.stop_requested() || loop::current().operations().ending()) failed->rethrow();
  server_.options.on_error(*failed);
}

// Makes way for the next request. False if there is too much left, or it does not arrive.
task<bool> server_connection::drop_rest_of_body() {
  std::uint64_t dropped = 0;
  co_await flush();
  while (!body_whole_ && !body_failed_ && dropped <= most_dropped) {
    auto reading = as_result(next_piece());
    const auto piece = co_await std::move(reading);
    if (!piece && piece.error().is_requested_cancellation()) piece.error().rethrow();
    if (!piece || !*piece) break;
    dropped += (*piece)->size();
  }
  co_return body_whole_;
}

void server_connection::note_access(int status) {
  server_.options.on_access({request_, status, sent_body_, loop_clock::now() - begun_});
}

// There is no whole request to speak of.
void server_connection::forget_request() {
  const auto peer = request_.peer;
  request_ = request("", "");
  request_.peer = peer;
}

// Answers without a handler, and ends the connection.
void server_connection::refuse(response with) {
  keeps_alive_ = false;
  drops_input_ = !ended_;
  answering_ = true;
  append_head(out_, with, {.how = framing::length, .keeps_alive = false});
  if (!server_.options.on_access) return;
  if (requests_ == 0 && begun_ == loop_clock::time_point{}) begun_ = loop_clock::now();
  server_.options.on_access({request_, with.status, 0, loop_clock::duration::zero()});
}

// Runs once the conversation is over, out of reach of its stop requests.
task<> server_connection::end(bool failed) {
  read_by_ = never;
  co_await end_alarm();
  if (cut_ == cut::late && !answering_ && !broken_) {
    if (phase_ != phase::answer) forget_request();
    refuse(response(408));
  }
  if (!failed && !broken_ && cut_ != cut::gone) {
    auto speaking = as_result(with_timeout(say_last(), server_.options.deadlines.linger));
    (void)co_await std::move(speaking);  // a client that does not listen is no error
  }
  auto closing = as_result(end_says_whole_ ? client_.abort() : client_.close());
  (void)co_await std::move(closing);
}

// To close while the client still sends would reset the connection, and the client might lose the response.
task<> server_connection::say_last() {
  constexpr std::size_t most = 256 << 10;
  if (!out_.empty()) co_await client_.write_all(out_);
  end_says_whole_ = false;
  if (!drops_input_) co_return;
  auto shutting = as_result(client_.shutdown_send());
  const result<void> shut = co_await std::move(shutting);
  if (!shut) co_return;  // the stream has no such thing, or has gone
  std::size_t dropped = 0;
  sending_.resize(4096);
  for (std::size_t got = 1; got != 0 && dropped < most; dropped += got)
    got = co_await client_.read_some(sending_);
}

}  // namespace braid::http::detail
