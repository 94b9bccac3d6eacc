// The code of docs/recipes.md: answers to the first questions of new users. main runs each of them.
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "braid/braid.hpp"

namespace {

using namespace std::chrono_literals;

// [signals]
braid::task<> say_which_signal() {
  braid::signal_set stop{SIGINT, SIGTERM};
  const int which = co_await stop.next();
  std::printf("the program got %s\n", which == SIGINT ? "SIGINT" : "SIGTERM");
}
// [/signals]

// [gather]
/// Sends a head and a body together, without a copy of the body, to a stream of any type.
braid::task<> answer(braid::any_stream& peer, const std::string& body) {
  const std::string head = std::to_string(body.size()) + " bytes:\n";
  co_await peer.write_all({head, body});
}
// [/gather]

// [lines]
/// Prints the lines of a file, a pipe or a terminal, the last one even without its newline.
braid::task<> print_standard_input() {
  const braid::borrowed_file input = braid::standard_input();
  auto lines = braid::read_lines(input);
  while (const auto line = co_await lines.next()) std::printf("line: %s\n", line->c_str());
}
// [/lines]

// [incoming]
/// Echoes what arrives. While nothing does, this connection has no buffer.
braid::task<> echo(braid::tcp::stream peer) {
  braid::tcp::incoming_bytes arriving = peer.incoming_bytes();
  while (const std::optional<braid::leased_bytes> part = co_await arriving.next())
    co_await peer.write_all(*part);  // the buffer goes back to the loop when `part` ends
}
// [/incoming]

// [callback]
/// glibc's asynchronous look-up. It calls back on a thread of its own, and owns the request until then.
struct lookup {
  braid::callback_done<std::string> done;
  std::string name;
  gaicb request{};

  static void ended(sigval with) {
    const std::unique_ptr<lookup> self(static_cast<lookup*>(with.sival_ptr));
    if (const int code = gai_error(&self->request); code != 0) {
      self->done(std::make_exception_ptr(std::runtime_error(gai_strerror(code))));
      return;
    }
    char text[NI_MAXHOST] = "";
    getnameinfo(self->request.ar_result->ai_addr, self->request.ar_result->ai_addrlen, text, sizeof text,
                nullptr, 0, NI_NUMERICHOST);
    freeaddrinfo(self->request.ar_result);
    self->done(std::string(text));
  }
};

auto look_up(std::string name) {
  return braid::from_callback<std::string>([name](braid::callback_done<std::string> done) {
    auto* one = new lookup{std::move(done), name};
    one->request.ar_name = one->name.c_str();
    gaicb* list[] = {&one->request};
    sigevent calls_back{};
    calls_back.sigev_notify = SIGEV_THREAD;
    calls_back.sigev_notify_function = lookup::ended;
    calls_back.sigev_value.sival_ptr = one;
    if (const int code = getaddrinfo_a(GAI_NOWAIT, list, 1, &calls_back); code != 0) {
      delete one;
      throw std::runtime_error(gai_strerror(code));
    }
  });
}
// [/callback]

// [readiness]
/// Stands for a library's "read what is there": true when its answer is whole.
bool library_goes_on(int descriptor, std::string& answer) {
  char part[4];
  const ssize_t got = ::recv(descriptor, part, sizeof part, MSG_DONTWAIT);
  if (got > 0) answer.append(part, static_cast<std::size_t>(got));
  return got == 0;
}

braid::task<std::string> library_answer(int descriptor) {
  std::string answer;
  do co_await braid::wait_readable(descriptor);
  while (!library_goes_on(descriptor, answer));
  co_return answer;
}
// [/readiness]

// [shutdown]
braid::task<> serve(braid::tcp::stream client, braid::stop_token closing) {
  std::string received(1024, '\0');
  for (;;) {
    // The wait for the next request ends when the server closes; the answer to one does not.
    const std::size_t got = co_await braid::with_stop_token(client.read_some(received), closing);
    if (got == 0) co_return;
    co_await client.write_all(std::string_view(received).substr(0, got));
  }
}

braid::task<> run_server(braid::tcp::listener& door) {
  const auto until_signal = [&](braid::scope& within) -> braid::task<> {
    within.spawn(braid::tcp::serve(door, serve));
    braid::signal_set stop{SIGINT, SIGTERM};
    co_await stop.next();
    const braid::shutdown_report how = co_await braid::graceful_shutdown(door, within, 5s);
    std::printf("%zu finished, %zu were cut\n", how.finished, how.cut);
  };
  co_await braid::with_scope(until_signal);
}
// [/shutdown]

// [loops]
/// A loop on a thread of its own, for as long as the object lives. run_there returns a future, which the
/// caller's loop awaits.
class other_loop {
 public:
  other_loop() : thread_([this] { run(); }) { ready_.get_future().get(); }
  ~other_loop() {
    there_->post([this] { end_.set(); });
    thread_.join();
  }
  /// Runs the sender that make() returns on the other loop. Its value or error settles the future.
  template <class F>
  auto run_there(F make) {
    using value = braid::value_of<std::invoke_result_t<F&>>;
    braid::promise<value> settled;
    auto ended = settled.get_future();
    there_->post([make = std::move(make), settled = std::move(settled)]() mutable {
      braid::start(std::move(make), [settled = std::move(settled)](braid::result<value> how) mutable {
        if (!how)
          settled.set_error(std::move(how).error());
        else if constexpr (std::is_void_v<value>)
          settled.set_value();
        else
          settled.set_value(*std::move(how));
      });
    });
    return ended;
  }

 private:
  void run() {
    braid::loop here;
    there_ = &here;
    ready_.set_value();
    here.run(end_.wait());
  }
  braid::event end_;
  braid::loop* there_ = nullptr;
  std::promise<void> ready_;  // not braid::promise, whose future must not block a thread that has a loop
  std::thread thread_;
};
// [/loops]

}  // namespace

int main() {
  braid::loop loop;

  const auto told = braid::spawn(say_which_signal());
  ::raise(SIGINT);
  loop.run(braid::yield());

  loop.run([&]() -> braid::task<> {
    auto [in, out] = braid::pipe();
    ::dup2(in.number(), STDIN_FILENO);
    braid::any_stream to = std::move(out);
    co_await answer(to, "one\ntwo\nthree");
    co_await to.close();
    co_await print_standard_input();
  });

  loop.run([&]() -> braid::task<> {
    auto door = co_await braid::tcp::listen(braid::endpoint::loopback());
    const auto client = [&]() -> braid::task<> {
      auto talk = co_await braid::tcp::connect(door.local_endpoint());
      std::string answer(5, '\0');
      co_await talk.write_all(std::string_view("hello"));
      co_await talk.read_exactly(answer);
      std::printf("the server says %s\n", answer.c_str());
      ::kill(::getpid(), SIGTERM);
    };
    co_await braid::when_all(run_server(door), client());
    std::puts("the server has ended");
  });
  int both[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) != 0) return 1;
  const auto library = braid::file::from_descriptor(both[0]);
  auto server = braid::file::from_descriptor(both[1]);
  auto answered = braid::spawn(library_answer(library.number()));
  loop.run(server.write_all("from afar"));
  loop.run(server.close());
  std::printf("the library says %s\n", loop.run(std::move(answered)).c_str());

  loop.run([]() -> braid::task<> {
    const auto door = braid::tcp::listen_now(braid::endpoint::loopback());
    const auto talk = [&]() -> braid::task<> {
      auto client = co_await braid::tcp::connect(door.local_endpoint());
      std::string back(6, '\0');
      co_await client.write_all("silent");
      co_await client.read_exactly(back);
      std::printf("the echo is %s\n", back.c_str());
      co_await client.close();
    };
    const auto serves = [&]() -> braid::task<> {
      auto peer = co_await door.accept();
      co_await echo(std::move(peer));
    };
    co_await braid::when_all(talk, serves);
  });

  std::printf("localhost is %s\n", loop.run(look_up("127.0.0.1")).c_str());

  other_loop other;
  const auto here = std::this_thread::get_id();
  const bool elsewhere = loop.run(other.run_there([here]() -> braid::task<bool> {
    co_await braid::sleep_for(1ms);
    co_return std::this_thread::get_id() != here;
  }));
  std::printf("the other loop ran %s\n", elsewhere ? "on its own thread" : "here");
}
