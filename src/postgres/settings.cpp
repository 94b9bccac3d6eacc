#include "settings.hpp"

#include <libpq-fe.h>

#include <charconv>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/base/error.hpp"
#include "braid/net/resolve.hpp"
#include "braid/style/as_result.hpp"

namespace braid::postgres::detail {

namespace {

constexpr const char* call = "postgres::connect";

struct options_deleter {
  void operator()(PQconninfoOption* all) const noexcept { PQconninfoFree(all); }
};
using parsed_options = std::unique_ptr<PQconninfoOption, options_deleter>;

void add_values(const parsed_options& from, std::map<std::string, std::string>& to) {
  for (const PQconninfoOption* each = from.get(); each != nullptr && each->keyword != nullptr; ++each)
    if (each->val != nullptr && *each->val != '\0') to[each->keyword] = each->val;
}

[[noreturn]] void refuse(const char* why) { invalid_argument_error(call, why).rethrow(); }

void check_texts(const std::map<std::string, std::string>& all) {
  for (const auto& [name, value] : all)
    if (name.find('\0') != std::string::npos || value.find('\0') != std::string::npos)
      refuse(("the parameter " + std::string(name.c_str()) + " has a zero byte").c_str());
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts(1);
  for (const char each : list) {
    if (each == ',')
      parts.emplace_back();
    else
      parts.back() += each;
  }
  return parts;
}

bool is_path(const std::string& host) { return host.empty() || host[0] == '/' || host[0] == '@'; }

// "192.0.2.1" of "192.0.2.1:80", "::1" of "[::1]:80".
std::string address_of(const endpoint& of) {
  const std::string text = of.to_string();
  std::string_view address = std::string_view(text).substr(0, text.rfind(':'));
  if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
  return std::string(address);
}

// The value of a parameter, by default from libpq's environment variables.
std::string value_of(const std::map<std::string, std::string>& given,
                     const std::map<std::string, std::string>& defaults, const char* name) {
  if (const auto at = given.find(name); at != given.end()) return at->second;
  const auto at = defaults.find(name);
  return at == defaults.end() ? std::string() : at->second;
}

// One of the hosts to try, as libpq wants them: three lists.
struct host_lists {
  std::string hosts, addresses, ports;
  bool any = false;
  void add(const std::string& host, const std::string& address, const std::string& port) {
    if (std::exchange(any, true)) hosts += ',', addresses += ',', ports += ',';
    hosts += host, addresses += address, ports += port;
  }
};

}  // namespace

settings settings_of(const std::string& to, const connection_options& how) {
  if (to.find('\0') != std::string::npos) refuse("the connection string has a zero byte");
  check_texts(how.parameters);
  settings made;
  char* why = nullptr;
  const parsed_options parsed(PQconninfoParse(to.c_str(), &why));
  const std::unique_ptr<char, void (*)(void*)> text(why, PQfreemem);
  if (parsed == nullptr) {
    if (why == nullptr) error::out_of_memory().rethrow();
    std::string reason = why;
    while (reason.ends_with('\n')) reason.pop_back();
    refuse(reason.c_str());
  }
  add_values(parsed, made.parameters);
  for (const auto& [name, value] : how.parameters) made.parameters[name] = value;
  if (made.parameters.contains("service"))
    refuse("the parameter service is not taken, since libpq would look up names itself: set PGSERVICE");
  made.parameters.try_emplace("client_encoding", "UTF8");

  const parsed_options defaults(PQconndefaults());
  if (defaults == nullptr) error::out_of_memory().rethrow();
  std::map<std::string, std::string> others;
  add_values(defaults, others);
  for (const char* each : {"host", "hostaddr", "port"})
    if (std::string value = value_of(made.parameters, others, each); !value.empty())
      made.parameters[each] = std::move(value);
  made.within = how.connect_within;
  const std::string within = value_of(made.parameters, others, "connect_timeout");
  int seconds = 0;
  if (!within.empty()) {
    const auto read = std::from_chars(within.data(), within.data() + within.size(), seconds);
    if (read.ec != std::errc() || read.ptr != within.data() + within.size())
      refuse("connect_timeout is no number of seconds");
    if (seconds > 0) made.within = std::chrono::seconds(seconds);
  }
  const auto host = made.parameters.find("host");
  made.shown = host == made.parameters.end() ? "localhost" : host->second;
  return made;
}

task<> find_hosts(settings& of) {
  auto& all = of.parameters;
  const auto given = all.find("host");
  if (given == all.end() || all.contains("hostaddr")) co_return;
  const std::vector<std::string> hosts = split(given->second);
  std::vector<std::string> ports = split(all.contains("port") ? all.at("port") : "");
  if (ports.size() == 1) ports.resize(hosts.size(), std::string(ports[0]));
  if (ports.size() != hosts.size()) co_return;  // libpq says what is wrong
  host_lists found;
  std::optional<error> failed;
  for (std::size_t n = 0; n != hosts.size(); ++n) {
    if (is_path(hosts[n])) {
      found.add(hosts[n], "", ports[n]);
      continue;
    }
    const std::string service = ports[n].empty() ? "5432" : ports[n];
    auto looking = as_result(resolve(hosts[n], service));
    const auto endpoints = co_await std::move(looking);
    if (!endpoints && endpoints.error().is_requested_cancellation()) endpoints.error().rethrow();
    if (!endpoints) {
      if (!failed) failed = endpoints.error();
      continue;
    }
    for (const endpoint& each : *endpoints) found.add(hosts[n], address_of(each), ports[n]);
  }
  if (!found.any) failed->rethrow();
  all["host"] = found.hosts;
  all["port"] = found.ports;
  if (found.addresses.find_first_not_of(',') != std::string::npos) all["hostaddr"] = found.addresses;
}

}  // namespace braid::postgres::detail
