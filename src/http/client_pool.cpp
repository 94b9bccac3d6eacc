#include "client_pool.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/net/connect.hpp"
#include "braid/style/get_stop_token.hpp"
#include "response_head.hpp"
#include "text.hpp"

namespace braid::http::detail {

namespace {

task<any_stream> over_tcp(url to) {
  if (to.scheme != "http")
    error(std::make_error_code(std::errc::protocol_not_supported), "http::client::fetch",
          to.scheme + " without client_options::connects")
        .rethrow();
  tcp::stream made = co_await tcp::connect(to.host, std::to_string(to.port));
  co_return any_stream(std::move(made));
}

bool is_idempotent(std::string_view method) noexcept {
  constexpr std::array<std::string_view, 6> methods{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

// Is it one of the fields that head_of writes itself?
bool is_of_the_head(std::string_view name) noexcept {
  return same_word(name, "host") || same_word(name, "content-length") || same_word(name, "connection") ||
         same_word(name, "transfer-encoding");
}

std::string head_of(const url& to, const request& asked, bool expects_continue) {
  std::string head = asked.method + " " + to.target + " HTTP/1.1\r\nHost: " + to.authority() + "\r\n";
  const auto size = asked.body.size();
  const bool has_none = asked.method == "GET" || asked.method == "HEAD";
  if (!size) {
    head += "Transfer-Encoding: chunked\r\n";
  } else if (*size != 0 || !has_none) {
    head += "Content-Length: ";
    append_number(head, *size);
    head += "\r\n";
  }
  for (const auto& [name, value] : asked.headers) {
    if (is_of_the_head(name) || (expects_continue && same_word(name, "expect"))) continue;
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (expects_continue) head += "Expect: 100-continue\r\n";
  head += "\r\n";
  return head;
}

}  // namespace

client_pool::client_pool(client_options its_options)
    : options(std::move(its_options)), places_(options.connections) {
  if (options.connections == 0 || options.connections_per_host == 0)
    invalid_argument_error("http::client", "a limit is 0").rethrow();
  if (!options.connects) options.connects = over_tcp;
}

client_pool::lease::~lease() {
  if (!pool_) return;
  if (exchange && exchange->is_reusable()) pool_->give_back(*at_, std::move(exchange));
  if (exchange) exchange->leave();
  exchange.reset();
  of_host_.reset();
  of_all_.reset();
  pool_->leave(*at_);
}

void client_pool::give_back(host& at, std::shared_ptr<client_exchange> one) noexcept {
  one->used_before = true;
  one->idle_since = loop_clock::now();
  try {
    at.idle.push_back(std::move(one));
  } catch (...) {
    return;  // without memory it is closed
  }
  if (++idle_ > options.idle_connections) drop_oldest();
}

void client_pool::drop_oldest() noexcept {
  host* oldest = nullptr;
  for (const auto& [origin, each] : hosts_)
    if (!each->idle.empty() &&
        (oldest == nullptr || each->idle.front()->idle_since < oldest->idle.front()->idle_since))
      oldest = each.get();
  oldest->idle.erase(oldest->idle.begin());
  --idle_;
  if (oldest->users == 0 && oldest->idle.empty()) hosts_.erase(oldest->origin);
}

void client_pool::leave(host& at) noexcept {
  if (--at.users == 0 && at.idle.empty()) hosts_.erase(hosts_.find(at.origin));
}

task<client_pool::lease> client_pool::take(url to, bool fresh) {
  std::string origin = to.scheme + "://" + to.authority();
  std::unique_ptr<host>& known = hosts_[origin];
  if (!known) known = std::make_unique<host>(std::move(origin), options.connections_per_host);
  host& at = *known;
  ++at.users;
  lease made(shared_from_this(), at);
  made.of_host_ = co_await at.places.acquire();
  made.of_all_ = co_await places_.acquire();
  const auto too_old = loop_clock::now() - options.idle;
  while (!at.idle.empty() && (fresh || at.idle.back()->idle_since < too_old)) {
    at.idle.pop_back();
    --idle_;
  }
  if (!at.idle.empty()) {
    made.exchange = std::move(at.idle.back());
    at.idle.pop_back();
    --idle_;
  }
  co_return made;
}

task<std::shared_ptr<client_exchange>> client_pool::connect(url to) {
  std::string server = to.authority();
  auto connecting = with_timeout(options.connects(std::move(to)), options.connect);
  any_stream made = co_await std::move(connecting);
  co_return std::make_shared<client_exchange>(std::move(made), std::move(server), options);
}

task<response> client_pool::exchange(url to, request& asked) {
  const stop_token stop = co_await get_stop_token();
  bool expects =
      options.await_continue > loop_clock::duration::zero() && !client_exchange::is_short(asked.body);
  std::string head = head_of(to, asked, expects);
  const bool may_repeat = is_idempotent(asked.method) && asked.body.whole() != nullptr;
  bool fresh = false;
  for (;;) {
    lease at = co_await take(to, fresh);
    if (at.exchange) {
      const bool stale = co_await at.exchange->is_stale();
      if (stale) at.exchange.reset();
    }
    if (!at.exchange) at.exchange = co_await connect(to);
    std::optional<error> failed;
    response given;
    try {
      given = co_await at.exchange->ask(head, asked, expects);
    } catch (...) {
      failed = error::current();
    }
    if (!failed && given.status == 417 && at.exchange->held_back()) {
      expects = false;  // the server does not know the question
      head = head_of(to, asked, expects);
      continue;
    }
    if (!failed) {
      const bool is_whole = at.exchange->is_whole();
      if (!is_whole)
        given.body = body(std::unique_ptr<body_source, leave_source>(new client_body(std::move(at))));
      co_return given;
    }
    const bool died_idle = at.exchange->used_before && !at.exchange->answered() &&
                           failed->code().category() != timeout_category();
    if (fresh || !died_idle || !may_repeat || stop.stop_requested()) failed->rethrow();
    fresh = true;
  }
}

task<std::optional<std::string>> client_body::next() {
  std::optional<std::string> piece;
  if (!from_) co_return piece;
  piece = co_await from_->exchange->next();
  if (from_->exchange->is_whole()) from_.reset();
  co_return piece;
}

std::optional<std::uint64_t> client_body::left() const noexcept {
  return from_ ? from_->exchange->left() : 0;
}

}  // namespace braid::http::detail
