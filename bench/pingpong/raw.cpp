#include <stdexcept>

#include "pingpong/message.hpp"
#include "pingpong/tcp_pair.hpp"
#include "raw_ring.hpp"
#include "style.hpp"

namespace {

/// One end of the connection: sends or receives a whole message, in as many pieces as it takes.
class end {
 public:
  end(bench::raw_ring& ring, int socket) : ring_(ring), socket_(socket) {}

  void send_all() { begin(true); }
  void receive_all() { begin(false); }

  /// Handles a completion; true when the message is complete.
  bool advance(int bytes) {
    if (bytes <= 0) throw std::runtime_error("pingpong: the connection broke");
    through_ += static_cast<std::size_t>(bytes);
    if (through_ == letter.bytes().size()) return true;
    prepare();
    return false;
  }

  [[nodiscard]] bool sending() const { return sending_; }

  bench::message letter;

 private:
  void begin(bool sending) {
    sending_ = sending;
    through_ = 0;
    prepare();
  }

  void prepare() {
    io_uring_sqe* const sqe = ring_.next_sqe();
    std::byte* const from = letter.bytes().data() + through_;
    const std::size_t left = letter.bytes().size() - through_;
    if (sending_) {
      io_uring_prep_send(sqe, socket_, from, left, 0);
    } else {
      io_uring_prep_recv(sqe, socket_, from, left, 0);
    }
    io_uring_sqe_set_data(sqe, this);
  }

  bench::raw_ring& ring_;
  int socket_;
  std::size_t through_ = 0;
  bool sending_ = false;
};

class both_ends {
 public:
  both_ends() { server_.receive_all(); }

  std::uint64_t run(std::uint64_t n) {
    std::uint64_t proof = 0;
    std::uint64_t replies = 0;
    request(0);
    while (replies < n) {
      ring_.turn(1, [&](const io_uring_cqe& cqe) {
        end& at = *static_cast<end*>(io_uring_cqe_get_data(&cqe));
        if (!at.advance(cqe.res)) return;
        if (&at == &server_) return serve();
        if (at.sending()) return at.receive_all();
        proof += at.letter.number();
        if (++replies < n) request(replies);
      });
    }
    return proof;
  }

 private:
  void request(std::uint64_t number) {
    client_.letter.set_number(number);
    client_.send_all();
  }

  void serve() {
    if (server_.sending()) return server_.receive_all();
    server_.letter.answer();
    server_.send_all();
  }

  bench::tcp_pair sockets_;
  bench::raw_ring ring_;  // destroyed before the sockets on which it still receives
  end client_{ring_, sockets_.client()};
  end server_{ring_, sockets_.server()};
};

const bench::add<both_ends> here{"pingpong", "raw"};

}  // namespace
