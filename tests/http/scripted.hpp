#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/http/server.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/task.hpp"

namespace braid_tests {

/// A client as a stream: its bytes arrive in these pieces, each a turn of the loop later, then they end.
/// `got` keeps what is written to it.
class scripted {
 public:
  scripted(std::vector<std::string> pieces, std::string& got) : pieces_(std::move(pieces)), got_(&got) {}

  braid::task<std::size_t> read_some(braid::writable_bytes to) {
    co_await braid::yield();
    if (next_ == pieces_.size()) co_return 0;
    std::string& first = pieces_[next_];
    const std::size_t taken = std::min(first.size(), to.size());
    std::memcpy(to.data(), first.data(), taken);
    first.erase(0, taken);
    if (first.empty()) ++next_;
    co_return taken;
  }
  braid::task<> write_all(braid::readable_bytes from) {
    co_await braid::yield();
    got_->append(static_cast<const char*>(from.data()), from.size());
  }

 private:
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
  std::string* got_;
};

/// One response as it was sent.
struct seen_response {
  int status = 0;
  std::string head, body;
};

/// Takes the next response from what a server has sent. Throws for bytes that are none.
inline seen_response take_response(std::string_view& bytes, bool to_head = false) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (!bytes.starts_with("HTTP/1.1 ") || end == std::string_view::npos)
    throw std::runtime_error("no response: " + std::string(bytes.substr(0, 200)));
  seen_response one;
  one.head = bytes.substr(0, end + 2);
  one.status = std::stoi(one.head.substr(9));
  bytes.remove_prefix(end + 4);
  if (one.status == 100 || one.status == 204 || one.status == 304 || to_head) return one;
  const auto take = [&](std::size_t size) {
    if (size > bytes.size()) throw std::runtime_error("a response that is cut short: " + one.head);
    one.body += bytes.substr(0, size);
    bytes.remove_prefix(size);
  };
  if (const std::size_t at = one.head.find("Content-Length: "); at != std::string::npos) {
    take(std::stoul(one.head.substr(at + 16)));
  } else if (one.head.find("Transfer-Encoding: chunked") == std::string::npos) {
    take(bytes.size());  // until the end
  } else {
    for (std::size_t size = 1; size != 0;) {
      size = std::stoul(std::string(bytes.substr(0, bytes.find("\r\n"))), nullptr, 16);
      bytes.remove_prefix(bytes.find("\r\n") + 2);
      take(size);
      if (!bytes.starts_with("\r\n")) throw std::runtime_error("a chunk without its end: " + one.head);
      bytes.remove_prefix(2);
    }
  }
  return one;
}

/// Splits what a server has sent into its responses. Throws for bytes that are none.
inline std::vector<seen_response> responses_in(std::string_view bytes, bool to_head = false) {
  std::vector<seen_response> found;
  while (!bytes.empty()) found.push_back(take_response(bytes, to_head));
  return found;
}

}  // namespace braid_tests
