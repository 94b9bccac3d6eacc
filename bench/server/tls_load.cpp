// Drives a TLS echo server over loopback, and checks every byte that comes back: one connection, one message
// in flight, blocking calls of OpenSSL. The certificate is not verified. Prints one line of JSON.
//
//   tls_load --port P [--bytes B] --seconds S

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include "listening.hpp"

namespace {

using clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* call) {
  std::perror(call);
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

SSL* connect_to(std::uint16_t port) {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  if (server < 0 || ::connect(server, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) fail("connect");
  const int on = 1;
  ::setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  SSL* const made = SSL_new(SSL_CTX_new(TLS_client_method()));
  SSL_set_fd(made, server);
  if (SSL_connect(made) != 1) fail("SSL_connect");
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  int bytes = 64;
  double seconds = 1;
  CLI::App app("drives a TLS echo server and checks what comes back");
  app.add_option("--port", port)->required();
  app.add_option("--bytes", bytes);
  app.add_option("--seconds", seconds);
  CLI11_PARSE(app, argc, argv);

  SSL* const server = connect_to(port);
  std::string sent(static_cast<std::size_t>(bytes), '\0'), back(sent);
  std::uint64_t requests = 0;
  const auto begun = clock::now();
  double took = 0;
  while (took < seconds) {
    for (char& each : sent)
      each = static_cast<char>(requests + static_cast<std::uint64_t>(&each - sent.data()));
    if (SSL_write(server, sent.data(), bytes) != bytes) fail("SSL_write");
    for (int got = 0; got < bytes;) {
      const int part = SSL_read(server, back.data() + got, bytes - got);
      if (part <= 0) fail("SSL_read");
      got += part;
    }
    if (back != sent) fail("other bytes came back");
    ++requests;
    took = std::chrono::duration<double>(clock::now() - begun).count();
  }
  SSL_shutdown(server);
  std::printf("{\"requests\": %llu, \"seconds\": %.6f}\n", static_cast<unsigned long long>(requests), took);
}
