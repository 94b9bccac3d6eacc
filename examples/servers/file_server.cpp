// A static file server with range requests, so that a download can go on where it was cut.
//
//     build/examples/file_server --serve 127.0.0.1:7779 --folder docs
//     curl -r 0-99 http://127.0.0.1:7779/guide.md

#include <fcntl.h>
#include <sys/stat.h>

#include <braid/braid.hpp>
#include <braid/http/router.hpp>
#include <braid/http/server.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "serve_until_signal.hpp"

namespace {

namespace http = braid::http;

struct range {
  std::uint64_t first, size;
};

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failed != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

/// What "bytes=2-5", "bytes=2-" or "bytes=-5" asks of so many bytes; a size of 0: such a range is not there.
/// Any other text asks for no part, and so do several ranges.
std::optional<range> asked_range(std::string_view text, std::uint64_t bytes) {
  const std::size_t dash = text.find('-');
  if (!text.starts_with("bytes=") || dash == std::string_view::npos) return std::nullopt;
  const auto from = number(text.substr(6, dash - 6)), to = number(text.substr(dash + 1));
  if (dash == 6 && to) return range{bytes - std::min(*to, bytes), std::min(*to, bytes)};
  if (!from || (!to && dash + 1 != text.size()) || (to && *to < *from)) return std::nullopt;
  if (*from >= bytes) return range{0, 0};
  return range{*from, to ? std::min(*to - *from, bytes - *from - 1) + 1 : bytes - *from};
}

/// The path below the folder, or nothing if it would lead out of it.
std::optional<std::string> path_below(std::string folder, std::string_view target) {
  const auto path = http::percent_decoded(target);
  if (!path || !path->starts_with('/')) return std::nullopt;
  if ((*path + "/").find("/../") != std::string::npos) return std::nullopt;
  return folder + *path + (path->ends_with('/') ? "index.html" : "");
}

std::string_view type_of(std::string_view path) {
  if (path.ends_with(".html")) return "text/html";
  if (path.ends_with(".txt") || path.ends_with(".md")) return "text/plain; charset=utf-8";
  return "application/octet-stream";
}

braid::async_generator<std::string> part(braid::file from, range which) {
  while (which.size != 0) {
    std::string piece(std::min<std::uint64_t>(which.size, 64 << 10), '\0');
    piece.resize(co_await from.read_at(which.first, piece));
    if (piece.empty()) co_return;  // the file has shrunk: the client notices that something is missing
    which = {which.first + piece.size(), which.size - piece.size()};
    co_yield std::move(piece);
  }
}

braid::task<http::response> send_file(std::string folder, http::request& asked) {
  http::response given(404);
  if (asked.method != "GET" && asked.method != "HEAD") {
    given.status = 405;
    given.headers.add("allow", "GET, HEAD");
    co_return given;
  }
  const auto path = path_below(std::move(folder), asked.path());
  if (!path) co_return given;
  auto opening = braid::as_result(braid::open_file(*path, O_RDONLY | O_NONBLOCK));  // a FIFO must not wait
  braid::result<braid::file> from = co_await std::move(opening);
  struct stat status{};
  if (!from || ::fstat(from->number(), &status) != 0 || !S_ISREG(status.st_mode)) co_return given;

  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  const std::string tag = '"' + std::to_string(status.st_mtim.tv_sec) + '.' +
                          std::to_string(status.st_mtim.tv_nsec) + '-' + std::to_string(bytes) + '"';
  given.headers = {{"etag", tag}, {"accept-ranges", "bytes"}, {"content-type", type_of(*path)}};
  given.status = asked.headers.lists("if-none-match", tag) ? 304 : 200;
  if (given.status == 304) co_return given;
  range which{0, bytes};
  const bool is_same = asked.headers.get("if-range").value_or(tag) == tag;
  if (const auto some = asked_range(asked.headers.get("range").value_or(""), bytes); some && is_same) {
    which = *some;
    given.status = which.size == 0 ? 416 : 206;
    const std::string place =
        std::to_string(which.first) + "-" + std::to_string(which.first + which.size - 1);
    given.headers.add("content-range",
                      "bytes " + (which.size == 0 ? "*" : place) + "/" + std::to_string(bytes));
  }
  given.body = http::body::from(part(*std::move(from), which), which.size);
  co_return given;
}

braid::task<> serve(servers::options given) {
  braid::tcp::listener door = co_await braid::tcp::listen(servers::address(given["--serve"]));
  const auto answer = [&given](http::request& asked) { return send_file(given["--folder"], asked); };
  co_await servers::serve_until_signal(door, http::serve(door, answer));
}

}  // namespace

int main(int argc, char** argv) {
  return servers::run(argc, argv, {{"--serve", "127.0.0.1:7779"}, {"--folder", "."}}, serve);
}
