#include "stage/line_service.hpp"

#include <array>
#include <span>

#include <fmt/format.h>

#include <braid/combine/scope.hpp>
#include <braid/combine/with_stop_token.hpp>
#include <braid/style/as_result.hpp>
#include <braid/style/run.hpp>

using namespace braid;

namespace stage {
namespace {

task<std::string> read_line(const tcp::stream& from) {
  std::array<char, 256> room;
  std::size_t size = 0;
  while (size == 0 || room[size - 1] != '\n') {
    const std::size_t got = co_await from.read_some(std::span(room).subspan(size));
    if (got == 0) throw std::system_error(make_error_code(errc::end_of_stream), "read_line");
    size += got;
  }
  co_return std::string(room.data(), size - 1);
}

// A client that leaves before it has asked, or before it gets its answer, is no failure of the service.
bool has_left(const error& failure) {
  return failure == errc::end_of_stream || failure == std::errc::connection_reset ||
         failure == std::errc::broken_pipe;
}

task<std::string> answer_to(std::string line, const answer_fn& answer) {
  try {
    co_return "ok " + co_await answer(std::move(line)) + '\n';
  } catch (const std::exception& failure) {
    co_return std::string("no ") + failure.what() + '\n';
  }
}

task<> answer_one(tcp::stream client, const answer_fn& answer) {
  std::string line = co_await read_line(client);
  line = co_await answer_to(std::move(line), answer);
  co_await client.write_all(line);
}

// A failure of one client must not end the others.
task<> serve_one(tcp::stream client, const answer_fn& answer) {
  const result<void> served = co_await as_result(answer_one(std::move(client), answer));
  if (!served && !has_left(served.error())) loop::current().report_unhandled(served.error(), nullptr);
}

}  // namespace

task<> serve(tcp::listener door, const answer_fn& answer) {
  tcp::incoming clients = door.incoming();
  auto serving = with_scope([&clients, &answer](scope& here) -> task<> {
    for (;;) (void)here.spawn(serve_one(co_await clients.next(), answer));
  });
  co_await std::move(serving);
}

line_service::line_service(answer_fn answer) : answer_(std::move(answer)) {
  tcp::listener door = tcp::listen_now(endpoint::loopback());
  address_ = door.local_endpoint();
  thread_ = std::thread(&line_service::keep_serving, this, std::move(door));
}

line_service::~line_service() {
  closing_.request_stop();
  thread_.join();
}

void line_service::keep_serving(tcp::listener door) noexcept {
  const auto report = [](const error& failure) {
    fmt::print(stderr, "service: {}\n", failure.message());
  };
  loop here;
  here.on_unhandled_error(report);  // a client that went away must not end the service
  auto serving = with_stop_token(stage::serve(std::move(door), answer_), closing_.get_token());
  const result<void> ended = here.run(as_result(std::move(serving)));
  if (!ended && ended.error() != std::errc::operation_canceled) report(ended.error());
}

task<std::string> ask(endpoint at, std::string line) {
  tcp::stream service = co_await tcp::connect(at);
  line += '\n';
  co_await service.write_all(line);
  std::string answer = co_await read_line(service);
  if (answer.starts_with("no ")) throw refused(answer.substr(3));
  answer.erase(0, 3);
  co_return answer;
}

}  // namespace stage
