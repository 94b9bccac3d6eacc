#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "braid/http/client.hpp"
#include "site.hpp"

namespace braid_tests {

/// A server that says something of its own on each connection: it reads a head, writes an answer, and so on
/// for each answer of that connection; then it closes. An answer that begins with "!" goes out unasked, a
/// while later. Keeps the heads that it gets.
class liar {
 public:
  explicit liar(std::vector<std::vector<std::string>> connections)
      : door_(braid::tcp::listen_now(braid::endpoint::loopback())),
        at(door_.local_endpoint()),
        serving_(braid::spawn(serve(std::move(connections)))) {}
  braid::task<> close() {
    serving_.request_stop();
    auto ending = braid::as_result(std::move(serving_));
    (void)co_await std::move(ending);
    co_await door_.close();
  }
  std::vector<std::string> heads;

 private:
  braid::task<> serve(std::vector<std::vector<std::string>> connections) {
    for (const auto& answers : connections) {
      braid::tcp::stream client = co_await door_.accept();
      for (const std::string& each : answers) {
        if (each.starts_with('!')) {
          co_await braid::sleep_for(std::chrono::milliseconds(1));
          co_await client.write_all(each.substr(1));
          continue;
        }
        const std::string head = co_await up_to(client, "\r\n\r\n");
        heads.push_back(head);
        co_await client.write_all(each);
      }
      co_await client.close();
    }
  }
  braid::tcp::listener door_;

 public:
  const braid::endpoint at;

 private:
  braid::future<void> serving_;
};

inline std::string url_of(const braid::endpoint& at, const std::string& target) {
  return "http://" + at.to_string() + target;
}
inline braid::http::request get(const braid::endpoint& at, const std::string& target) {
  return braid::http::request("GET", url_of(at, target));
}
inline const std::string fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The status and the body of the response.
inline braid::task<std::string> text_of(braid::http::client& web, braid::http::request asked) {
  braid::http::response got = co_await web.fetch(std::move(asked));
  const std::string text = co_await got.body.text(1 << 20);
  co_return std::to_string(got.status) + " " + text;
}

}  // namespace braid_tests
