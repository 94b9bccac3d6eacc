// Drives an echo server over loopback and checks every byte that comes back. Written by hand on epoll, so
// that it favours none of the servers.
//
//   load --port P [--connections N] [--depth D] [--bytes B] (--seconds S | --requests R | --idle) [--burst]
//
// Each connection keeps D messages of B bytes in flight. With --burst each connection sends one message at
// the beginning of each millisecond, whatever has come back. With --idle it opens the connections, exchanges
// one message on each, prints "ready" and waits for the end of its standard input. Prints one line of JSON.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace {

using clock = std::chrono::steady_clock;

struct options {
  std::uint16_t port = 0;
  std::size_t connections = 1;
  std::uint64_t depth = 1;
  std::size_t bytes = 64;
  double seconds = 0;
  std::uint64_t requests = 0;
  bool idle = false;
  bool burst = false;
};

[[noreturn]] void fail(const char* call) {
  std::perror(call);
  std::exit(1);
}

// Byte `at` of everything that one connection sends: each connection has its own sequence.
char byte_at(std::size_t connection, std::uint64_t at) noexcept {
  const std::uint64_t word = (at / 8 + connection * 0x9e3779b97f4a7c15) * 0xc2b2ae3d27d4eb4f;
  return static_cast<char>(word >> at % 8 * 8);
}

struct connection {
  int descriptor = -1;
  std::uint64_t wanted = 0;  // bytes to send, all in all
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  bool waits_for_room = false;
};

class load {
 public:
  explicit load(const options& how) : how_(how), all_(how.connections) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    for (connection& each : all_) open(each);
  }

  void run() {
    begun_ = clock::now();
    if (how_.burst) return run_bursts();
    for (std::size_t n = 0; n < all_.size(); ++n) begin_messages(n, how_.depth);
    while (!over() || in_flight_ != 0) turn(-1);
    ended_ = clock::now();
  }

  void stay_idle() {
    for (std::size_t n = 0; n < all_.size(); ++n) begin_messages(n, 1);
    stopped_ = true;
    while (in_flight_ != 0) turn(-1);
    std::puts("ready");
    std::fflush(stdout);
    while (std::getchar() != EOF) {}
    ended_ = clock::now();
  }

  [[nodiscard]] int report() const {
    const double seconds = std::chrono::duration<double>(ended_ - begun_).count();
    std::printf("{\"requests\": %llu, \"seconds\": %.6f, \"errors\": %llu, \"skipped\": %llu}\n",
                static_cast<unsigned long long>(finished_), seconds, static_cast<unsigned long long>(errors_),
                static_cast<unsigned long long>(skipped_));
    return errors_ == 0 ? 0 : 1;
  }

 private:
  void open(connection& one) {
    one.descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(how_.port);
    if (one.descriptor < 0 || ::connect(one.descriptor, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      fail("connect");
    const int on = 1;
    ::setsockopt(one.descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(one.descriptor, F_SETFL, O_NONBLOCK);
    watch(EPOLL_CTL_ADD, one, EPOLLIN);
  }
  void watch(int how, connection& one, std::uint32_t events) {
    epoll_event wanted{};
    wanted.events = events;
    wanted.data.u64 = static_cast<std::uint64_t>(&one - all_.data());
    if (::epoll_ctl(epoll_, how, one.descriptor, &wanted) != 0) fail("epoll_ctl");
  }

  void run_bursts() {
    const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    const itimerspec each{{0, 1'000'000}, {0, 1'000'000}};
    ::timerfd_settime(timer, 0, &each, nullptr);
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.u64 = all_.size();
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, timer, &wanted);
    timer_ = timer;
    while (!over() || in_flight_ != 0) turn(-1);
    ended_ = clock::now();
  }
  void tick() {
    std::uint64_t ticks = 0;
    if (::read(timer_, &ticks, sizeof ticks) != sizeof ticks || over()) return;
    skipped_ += ticks - 1;  // beats that the load itself came too late for
    for (std::size_t n = 0; n < all_.size(); ++n) begin_messages(n, 1);
  }

  [[nodiscard]] bool over() {
    if (stopped_) return true;
    if (how_.requests != 0 ? begun_messages_ >= how_.requests
                           : std::chrono::duration<double>(clock::now() - begun_).count() >= how_.seconds)
      stopped_ = true;
    return stopped_;
  }
  void begin_messages(std::size_t index, std::uint64_t count) {
    connection& one = all_[index];
    if (one.descriptor < 0) return;
    one.wanted += count * how_.bytes;
    in_flight_ += count;
    begun_messages_ += count;
    send(index);
  }
  void send(std::size_t index) {
    connection& one = all_[index];
    std::array<char, 16 << 10> part;
    while (one.sent < one.wanted) {
      const std::size_t size = std::min<std::uint64_t>(part.size(), one.wanted - one.sent);
      for (std::size_t n = 0; n < size; ++n) part[n] = byte_at(index, one.sent + n);
      const ssize_t done = ::send(one.descriptor, part.data(), size, MSG_NOSIGNAL);
      if (done < 0 && errno == EAGAIN) {
        if (!one.waits_for_room) watch(EPOLL_CTL_MOD, one, EPOLLIN | EPOLLOUT);
        one.waits_for_room = true;
        return;
      }
      if (done < 0) return lose(index);
      one.sent += static_cast<std::uint64_t>(done);
    }
    if (one.waits_for_room) watch(EPOLL_CTL_MOD, one, EPOLLIN);
    one.waits_for_room = false;
  }
  void receive(std::size_t index) {
    connection& one = all_[index];
    std::array<char, 64 << 10> part;
    const ssize_t got = ::recv(one.descriptor, part.data(), part.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return lose(index);
    for (ssize_t n = 0; n < got; ++n)
      if (part[static_cast<std::size_t>(n)] != byte_at(index, one.received + static_cast<std::uint64_t>(n)))
        return lose(index);
    const std::uint64_t before = one.received / how_.bytes;
    one.received += static_cast<std::uint64_t>(got);
    const std::uint64_t ended = one.received / how_.bytes - before;
    if (one.received > one.sent) return lose(index);
    finished_ += ended;
    in_flight_ -= ended;
    if (ended != 0 && !how_.burst && !over()) begin_messages(index, ended);
  }
  void lose(std::size_t index) {
    connection& one = all_[index];
    ++errors_;
    in_flight_ -= (one.wanted - one.received + how_.bytes - 1) / how_.bytes;
    ::close(one.descriptor);
    one.descriptor = -1;
  }
  void turn(int patience_ms) {
    std::array<epoll_event, 512> events;
    const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), patience_ms);
    for (int n = 0; n < ready; ++n) {
      const epoll_event& event = events[static_cast<std::size_t>(n)];
      const auto index = static_cast<std::size_t>(event.data.u64);
      if (index == all_.size()) {
        tick();
        continue;
      }
      if (all_[index].descriptor >= 0 && (event.events & EPOLLOUT) != 0) send(index);
      if (all_[index].descriptor >= 0 && (event.events & ~EPOLLOUT) != 0) receive(index);
    }
  }

  const options how_;
  const int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  int timer_ = -1;
  std::vector<connection> all_;
  clock::time_point begun_ = clock::now(), ended_;
  std::uint64_t begun_messages_ = 0, in_flight_ = 0, finished_ = 0, errors_ = 0, skipped_ = 0;
  bool stopped_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  options how;
  CLI::App app("drives an echo server and checks what comes back");
  app.add_option("--port", how.port)->required();
  app.add_option("--connections", how.connections);
  app.add_option("--depth", how.depth);
  app.add_option("--bytes", how.bytes);
  app.add_option("--seconds", how.seconds);
  app.add_option("--requests", how.requests);
  app.add_flag("--idle", how.idle);
  app.add_flag("--burst", how.burst);
  CLI11_PARSE(app, argc, argv);
  load drives(how);
  if (how.idle)
    drives.stay_idle();
  else
    drives.run();
  return drives.report();
}
