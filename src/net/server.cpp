#include "braid/net/detail/server.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <system_error>
#include <utility>

#include "braid/core/async_stack.hpp"
#include "braid/loop/direct_calls.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sync/select.hpp"

namespace braid::detail {

namespace {

constexpr loop_clock::duration first_pause = std::chrono::milliseconds(10);
constexpr loop_clock::duration longest_pause = std::chrono::seconds(1);

descriptor new_reserve() noexcept {
  const int made = direct_calls::current().socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return made < 0 ? descriptor() : descriptor(made);
}

bool is_shortage(const error& why) noexcept {
  return why == std::errc::too_many_files_open || why == std::errc::too_many_files_open_in_system ||
         why == std::errc::no_buffer_space || why == std::errc::not_enough_memory;
}

// accept(2) reports the network errors of the new connection as its own.
bool concerns_connection(const error& why) noexcept {
  if (why.code().category() != std::generic_category() && why.code().category() != std::system_category())
    return false;
  switch (why.code().value()) {
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EPERM: return true;
    default: return false;
  }
}

void print(const char* call, const error& why) {
  std::fprintf(stderr, "braid: %s: %s\n%s", call, why.message().c_str(), format_stack(why).c_str());
}

}  // namespace

void served_connection::begin(server_state& server, semaphore::permit place, task<> handler) {
  auto* const made = new served_connection(server, std::move(place), std::move(handler));
  server.connections_->enter(*made);
  made->handler_.start();
}

served_connection::served_connection(server_state& server, semaphore::permit place, task<> handler)
    : server_(server), handler_(connect(std::move(handler), inner_receiver<served_connection, void>{this})) {
  server_.all_->begins(served::kind::connection);
  place.forget();  // the destructor gives it back
}

served_connection::~served_connection() {
  server_.all_->ends(served::kind::connection);
  server_.places_.release();
}

stop_token served_connection::child_stop_token() const noexcept {
  return server_.connections_->child_stop_token();
}
async_frame* served_connection::frame() const noexcept { return server_.connections_->frame(); }

void served_connection::finish(result<void>&& how) noexcept {
  scope_join& all = *server_.connections_;
  server_.handler_ended(std::move(how));
  unlink();
  delete this;
  all.release();
}

server_state::server_state(const char* call, std::shared_ptr<served> all, serve_options how)
    : all_(std::move(all)),
      places_(how.at_most),
      on_error_(std::move(how.on_error)),
      reserve_(new_reserve()),
      pause_(first_pause) {
  if (how.at_most == 0) invalid_argument_error(call, "at_most is 0").rethrow();
  if (!on_error_) on_error_ = [call](const error& why) { print(call, why); };
}

task<> server_state::get_over(error why) {
  if (concerns_connection(why)) {
    co_await yield();
    co_return;
  }
  if (!is_shortage(why)) why.rethrow();
  if (!std::exchange(reported_, true)) on_error_(why);
  if (reserve_.is_open()) {
    uses_reserve_ = true;
    co_await reserve_.close();
    co_return;
  }
  co_await select(freed_.wait(), sleep_for(pause_));
  pause_ = std::min(2 * pause_, longest_pause);
}

task<bool> server_state::may_keep(stream_socket& client) {
  if (!reserve_.is_open()) reserve_ = new_reserve();
  if (reserve_.is_open() || !uses_reserve_) {
    shortage_ends();
    co_return true;
  }
  co_await client.close();
  reserve_ = new_reserve();
  uses_reserve_ = false;
  co_return false;
}

void server_state::refused() noexcept {
  error why(std::make_error_code(std::errc::operation_canceled), "serve");
  why.set_requested(true);
  connections_->child_failed(why);
}

void server_state::handler_ended(result<void> how) noexcept {
  freed_.set();
  if (how) return;
  error& failed = how.error();
  const bool stopped = connections_->stopping() && failed == std::errc::operation_canceled;
  if (!stopped && !failed.is_requested_cancellation()) {
    try {
      on_error_(failed);
    } catch (...) {
      error why = error::current();
      attach_stack(why, connections_->frame());
      return connections_->child_failed(why);
    }
  }
  if (!connections_->stopping()) return;
  failed.set_requested(true);
  failed.set_stop_reason(connections_->why_stopping());
  connections_->child_failed(failed);  // it was cut short, and so is the server
}

void server_state::shortage_ends() noexcept {
  uses_reserve_ = reported_ = false;
  pause_ = first_pause;
}

}  // namespace braid::detail
