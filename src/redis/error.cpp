#include "braid/redis/error.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "error_reply.hpp"

namespace braid::redis {

namespace {

// The first word of an error reply, and its code.
constexpr std::array<std::pair<std::string_view, errc>, 20> server_codes{{
    {"WRONGTYPE", errc::wrong_type},
    {"NOSCRIPT", errc::no_script},
    {"BUSYGROUP", errc::busy_group},
    {"NOGROUP", errc::no_group},
    {"READONLY", errc::read_only},
    {"LOADING", errc::loading},
    {"BUSY", errc::busy},
    {"OOM", errc::out_of_memory},
    {"MISCONF", errc::misconfigured},
    {"NOAUTH", errc::not_authenticated},
    {"WRONGPASS", errc::wrong_password},
    {"NOPERM", errc::no_permission},
    {"EXECABORT", errc::exec_aborted},
    {"MOVED", errc::moved},
    {"ASK", errc::ask},
    {"CLUSTERDOWN", errc::cluster_down},
    {"TRYAGAIN", errc::try_again},
    {"MASTERDOWN", errc::master_down},
    {"NOREPLICAS", errc::no_replicas},
    {"UNBLOCKED", errc::unblocked},
}};

class category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "redis"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::not_sent: return "the time of the command was over before it could be sent";
      case errc::no_connection: return "the connection is lost";
      case errc::reply_lost: return "the reply is lost: the command may or may not have been done";
      case errc::reply_late: return "no reply in time: the command may or may not have been done";
      case errc::too_many_commands: return "too many commands wait";
      case errc::client_closed: return "the client is closed";
      case errc::malformed_reply: return "the server sent what is no reply, or too long a one";
      case errc::silent_server: return "the server is silent";
      case errc::unexpected_reply: return "the reply is of another kind";
      default: return "the server refused it";
    }
  }
  [[nodiscard]] std::error_condition default_error_condition(int value) const noexcept override {
    if (value == static_cast<int>(errc::not_sent) || value == static_cast<int>(errc::reply_late))
      return std::make_error_condition(std::errc::timed_out);
    return {value, *this};
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const category one;
  return one;
}

bool may_have_been_done(const error& why) noexcept {
  return why == errc::reply_lost || why == errc::reply_late || why == errc::malformed_reply;
}

errc detail::code_of_reply(std::string_view text) noexcept {
  const std::string_view first = text.substr(0, text.find(' '));
  for (const auto& [word, code] : server_codes)
    if (word == first) return code;
  // What a server that has no room for another connection says unasked, before it closes it.
  return text.starts_with("ERR max number of clients") ? errc::try_again : errc::refused;
}

error detail::error_of_reply(std::string_view text, const char* call, std::string_view command) {
  std::string what(command);
  what.append(" (").append(text).append(")");
  return {make_error_code(code_of_reply(text)), call, std::move(what)};
}

}  // namespace braid::redis
