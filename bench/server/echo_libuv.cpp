// The echo server on libuv, as its guide writes one: a buffer for each read, a request for each write.

#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "listening.hpp"

namespace {

uv_tcp_t door;

struct writing {
  uv_write_t request;
  uv_buf_t bytes;
};

void free_handle(uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); }

void give_room(uv_handle_t*, std::size_t, uv_buf_t* to) {
  *to = uv_buf_init(static_cast<char*>(std::malloc(bench::room)), bench::room);
}

void on_written(uv_write_t* request, int) {
  auto* const done = reinterpret_cast<writing*>(request);
  std::free(done->bytes.base);
  delete done;
}

void on_read(uv_stream_t* client, ssize_t got, const uv_buf_t* bytes) {
  if (got <= 0) {
    std::free(bytes->base);
    if (got < 0) uv_close(reinterpret_cast<uv_handle_t*>(client), free_handle);
    return;
  }
  auto* const answer = new writing{};
  answer->bytes = uv_buf_init(bytes->base, static_cast<unsigned>(got));
  uv_write(&answer->request, client, &answer->bytes, 1, on_written);
}

void on_connection(uv_stream_t* at, int failed) {
  if (failed < 0) return;
  auto* const client = new uv_tcp_t;
  uv_tcp_init(at->loop, client);
  if (uv_accept(at, reinterpret_cast<uv_stream_t*>(client)) == 0)
    uv_read_start(reinterpret_cast<uv_stream_t*>(client), give_room, on_read);
  else
    uv_close(reinterpret_cast<uv_handle_t*>(client), free_handle);
}

}  // namespace

int main() {
  uv_loop_t* const here = uv_default_loop();
  uv_tcp_init(here, &door);
  uv_tcp_open(&door, bench::listen_and_print());
  uv_listen(reinterpret_cast<uv_stream_t*>(&door), SOMAXCONN, on_connection);
  return uv_run(here, UV_RUN_DEFAULT);
}
