// The echo server by hand on io_uring: one ring, one request a connection at a time, a multishot accept.

#include <cstdint>
#include <memory>
#include <unordered_map>

#include <unistd.h>

#include "listening.hpp"
#include "raw_ring.hpp"

namespace {

struct connection {
  int descriptor;
  bool sends = false;
  unsigned done = 0, size = 0;
  char bytes[bench::room] = {};
};

class server {
 public:
  explicit server(int listener) : listener_(listener) { accept(); }

  [[noreturn]] void run() {
    for (;;) ring_.turn(1, [this](const io_uring_cqe& ended) { complete(ended); });
  }

 private:
  io_uring_sqe* entry() {
    io_uring_sqe* free = ring_.next_sqe();
    if (free != nullptr) return free;
    io_uring_submit(ring_.get());
    return ring_.next_sqe();
  }
  void accept() {
    io_uring_sqe* const wanted = entry();
    io_uring_prep_multishot_accept(wanted, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    io_uring_sqe_set_data(wanted, nullptr);
  }
  void receive(connection& from) {
    io_uring_sqe* const wanted = entry();
    io_uring_prep_recv(wanted, from.descriptor, from.bytes, sizeof from.bytes, 0);
    io_uring_sqe_set_data(wanted, &from);
    from.sends = false;
  }
  void send(connection& to) {
    io_uring_sqe* const wanted = entry();
    io_uring_prep_send(wanted, to.descriptor, to.bytes + to.done, to.size - to.done, MSG_NOSIGNAL);
    io_uring_sqe_set_data(wanted, &to);
    to.sends = true;
  }
  void complete(const io_uring_cqe& ended) {
    auto* const of = static_cast<connection*>(io_uring_cqe_get_data(&ended));
    if (of == nullptr) {
      if (ended.res >= 0) receive(*new connection{.descriptor = ended.res});
      if ((ended.flags & IORING_CQE_F_MORE) == 0) accept();
      return;
    }
    if (ended.res <= 0) {
      ::close(of->descriptor);
      delete of;
      return;
    }
    if (!of->sends) {
      of->done = 0;
      of->size = static_cast<unsigned>(ended.res);
      return send(*of);
    }
    of->done += static_cast<unsigned>(ended.res);
    if (of->done < of->size) return send(*of);
    receive(*of);
  }

  bench::raw_ring ring_{1024};
  int listener_;
};

}  // namespace

int main() { server(bench::listen_and_print()).run(); }
