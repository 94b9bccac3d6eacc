#include "clients.hpp"

#include <sys/resource.h>

#include <cctype>
#include <charconv>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <braid/braid.hpp>

using namespace braid;

namespace thread_per_request {
namespace {

// Of a head such as http::serve writes.
std::size_t content_length(std::string_view head) {
  constexpr std::string_view name = "\r\ncontent-length: ";
  std::string lower(head);
  for (char& each : lower) each = static_cast<char>(std::tolower(static_cast<unsigned char>(each)));
  const std::size_t at = lower.find(name);
  std::size_t size = 0;
  if (at == std::string::npos) throw std::runtime_error("no Content-Length");
  std::from_chars(lower.data() + at + name.size(), lower.data() + lower.size(), size);
  return size;
}

task<> ask_until(tcp::stream& server, loop_clock::time_point end, seen& all) {
  bool gone = false;
  try {
    do {
      (void)co_await ask_once(server, "/page");
      ++all.answers;
    } while (loop_clock::now() < end);
  } catch (const std::system_error&) {
    gone = true;
  }
  if (gone) ++all.refused;
}

}  // namespace

task<std::string> ask_once(tcp::stream& server, std::string target) {
  buffered_reader from(server);
  co_await server.write_all("GET " + target + " HTTP/1.1\r\nHost: here\r\n\r\n");
  const auto head = co_await from.read_until("\r\n\r\n", 4096);
  if (!head) throw std::system_error(make_error_code(errc::end_of_stream), "ask_once");
  if (!head->starts_with("HTTP/1.1 200 ")) throw std::runtime_error(*head);
  std::string content(content_length(*head), '\0');
  co_await from.read_exactly(content);
  co_return content;
}

task<seen> visit(endpoint at, crowd who) {
  const std::vector<endpoint> everybody(who.connections, at);
  const auto connects = [](const endpoint& to) { return tcp::connect(to); };
  std::vector<tcp::stream> servers = co_await map_concurrent(everybody, 64, connects);
  if (who.connected) who.connected();
  seen all;
  const loop_clock::time_point began = loop_clock::now(), end = began + who.lasts;
  std::vector<task<>> asking;
  for (tcp::stream& each : servers) asking.push_back(ask_until(each, end, all));
  co_await when_all(std::move(asking));
  all.elapsed = loop_clock::now() - began;
  if (who.answered) who.answered();
  co_return all;
}

void allow_many_descriptors() {
  rlimit now{};
  if (::getrlimit(RLIMIT_NOFILE, &now) != 0) return;
  now.rlim_cur = now.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &now);
}

}  // namespace thread_per_request
