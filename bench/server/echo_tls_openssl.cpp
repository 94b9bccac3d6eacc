// The TLS echo server by hand: blocking calls of OpenSSL, one connection after the other.
//
//   echo_tls_openssl CERTIFICATE KEY

#include <openssl/ssl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>

#include "listening.hpp"

namespace {

void echo(SSL* peer) {
  std::array<char, bench::room> bytes;
  if (SSL_accept(peer) != 1) return;
  for (int got = 0; (got = SSL_read(peer, bytes.data(), static_cast<int>(bytes.size()))) > 0;)
    if (SSL_write(peer, bytes.data(), got) != got) return;
  SSL_shutdown(peer);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* const all = SSL_CTX_new(TLS_server_method());
  if (argc != 3 || SSL_CTX_use_certificate_chain_file(all, argv[1]) != 1 ||
      SSL_CTX_use_PrivateKey_file(all, argv[2], SSL_FILETYPE_PEM) != 1) {
    std::fprintf(stderr, "usage: echo_tls_openssl CERTIFICATE KEY\n");
    return 2;
  }
  const int listener = bench::listen_and_print();
  for (;;) {
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int on = 1;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    SSL* const peer = SSL_new(all);
    SSL_set_fd(peer, client);
    echo(peer);
    SSL_free(peer);
    ::close(client);
  }
}
