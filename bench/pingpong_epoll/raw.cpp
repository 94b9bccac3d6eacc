#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "pingpong/message.hpp"
#include "pingpong/tcp_pair.hpp"
#include "style.hpp"

namespace {

int checked(int result, const char* call) {
  if (result < 0) throw std::system_error(errno, std::system_category(), call);
  return result;
}

/// One end of the connection: sends as much as fits, and receives when epoll reports data.
struct end {
  int socket;
  std::size_t received = 0;
  bench::message letter{};

  void send_all() {
    for (std::size_t sent = 0; sent < letter.bytes().size();) {
      const auto some = ::send(socket, letter.bytes().data() + sent, letter.bytes().size() - sent,
                               MSG_DONTWAIT | MSG_NOSIGNAL);
      if (some <= 0) throw std::runtime_error("pingpong_epoll: 64 bytes find no room");
      sent += static_cast<std::size_t>(some);
    }
  }
  /// True when the message is complete.
  bool receive() {
    const auto some =
        ::recv(socket, letter.bytes().data() + received, letter.bytes().size() - received, MSG_DONTWAIT);
    if (some < 0 && errno == EAGAIN) return false;
    if (some <= 0) throw std::runtime_error("pingpong_epoll: the connection broke");
    received += static_cast<std::size_t>(some);
    if (received != letter.bytes().size()) return false;
    received = 0;
    return true;
  }
};

/// Both sockets stay registered, level-triggered: three system calls for each message.
class both_ends {
 public:
  both_ends() {
    for (end* each : {&client_, &server_}) {
      epoll_event event{EPOLLIN, {.ptr = each}};
      checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, each->socket, &event), "epoll_ctl");
    }
  }
  ~both_ends() { ::close(epoll_); }
  both_ends(const both_ends&) = delete;
  both_ends& operator=(const both_ends&) = delete;

  std::uint64_t run(std::uint64_t n) {
    std::uint64_t proof = 0;
    std::uint64_t replies = 0;
    request(0);
    while (replies < n) {
      std::array<epoll_event, 64> events;
      const int count = checked(::epoll_wait(epoll_, events.data(), int(events.size()), -1), "epoll_wait");
      for (int i = 0; i < count; ++i) {
        end& at = *static_cast<end*>(events[std::size_t(i)].data.ptr);
        if (!at.receive()) continue;
        if (&at == &server_) {
          server_.letter.answer();
          server_.send_all();
          continue;
        }
        proof += client_.letter.number();
        if (++replies < n) request(replies);
      }
    }
    return proof;
  }

 private:
  void request(std::uint64_t number) {
    client_.letter.set_number(number);
    client_.send_all();
  }

  bench::tcp_pair sockets_;
  int epoll_ = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  end client_{sockets_.client()};
  end server_{sockets_.server()};
};

const bench::add<both_ends> here{"pingpong_epoll", "raw"};

}  // namespace
