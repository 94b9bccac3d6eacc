// The echo server by hand: one epoll, level-triggered, one read and one write for each event.

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "listening.hpp"

namespace {

// The bytes that a client did not take at once. They wait until its socket has room.
std::vector<std::string> unsent;

class server {
 public:
  explicit server(int listener) : epoll_(::epoll_create1(EPOLL_CLOEXEC)), listener_(listener) {
    ::fcntl(listener_, F_SETFL, O_NONBLOCK);
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int n = 0; n < ready; ++n) {
        const epoll_event& event = events[static_cast<std::size_t>(n)];
        if (event.data.fd == listener_)
          accept_all();
        else if ((event.events & EPOLLOUT) != 0)
          send_rest(event.data.fd);
        else
          echo(event.data.fd);
      }
    }
  }

 private:
  void watch(int how, int descriptor, std::uint32_t events) const {
    epoll_event wanted{};
    wanted.events = events;
    wanted.data.fd = descriptor;
    ::epoll_ctl(epoll_, how, descriptor, &wanted);
  }
  void accept_all() const {
    for (;;) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) return;
      if (static_cast<std::size_t>(client) >= unsent.size())
        unsent.resize(2 * static_cast<std::size_t>(client) + 1);
      watch(EPOLL_CTL_ADD, client, EPOLLIN);
    }
  }
  void echo(int client) const {
    std::array<char, bench::room> bytes;
    const ssize_t got = ::recv(client, bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return void(::close(client));
    send(client, {bytes.data(), static_cast<std::size_t>(got)});
  }
  void send_rest(int client) const {
    std::string rest;
    rest.swap(unsent[static_cast<std::size_t>(client)]);
    watch(EPOLL_CTL_MOD, client, EPOLLIN);
    send(client, rest);
  }
  void send(int client, std::string_view bytes) const {
    const ssize_t sent = ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return void(::close(client));
    const std::size_t done = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    if (done == bytes.size()) return;
    unsent[static_cast<std::size_t>(client)] = bytes.substr(done);
    watch(EPOLL_CTL_MOD, client, EPOLLOUT);
  }

  int epoll_;
  int listener_;
};

}  // namespace

int main() { server(bench::listen_and_print()).run(); }
