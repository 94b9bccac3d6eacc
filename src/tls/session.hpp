#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/mutex.hpp"
#include "braid/tls/detail/transport.hpp"
#include "engine.hpp"

namespace braid::tls::detail {

// A stream's operations: they carry bytes between its engine and the stream below. A reader and a writer work
// on the engine in turn, since its calls never wait, and each waits for the stream below with a lock of its
// own. So either can receive what the engine wants, and send what it has made.
class session : braid::pinned {
 public:
  session(std::unique_ptr<transport> over, std::shared_ptr<context_state> with, std::string host,
          std::string shown);

  [[nodiscard]] task<> shake_hands(const char* call);
  [[nodiscard]] task<std::size_t> read_some(writable_bytes to);
  [[nodiscard]] task<> read_exactly(writable_bytes to);
  [[nodiscard]] task<std::size_t> write_some(readable_bytes from);
  [[nodiscard]] task<> write_all(readable_bytes from);
  [[nodiscard]] task<> shutdown_send();
  [[nodiscard]] task<> close();
  [[nodiscard]] task<> abort();

  [[nodiscard]] bool is_open() const noexcept { return is_open_; }
  [[nodiscard]] const engine& its_engine() const noexcept { return engine_; }
  [[nodiscard]] error failed_with(std::error_code code, const char* call, const char* detail = "") const;

 private:
  task<std::size_t> read(writable_bytes to, std::size_t least, const char* call);
  task<> write(readable_bytes from, std::size_t least, const char* call, std::size_t* written);
  task<> receive(const char* call);
  task<> send();
  task<> end_sending(const char* call);
  task<> part();
  task<> give_up(const char* call);
  void check_open(const char* call) const;
  [[nodiscard]] std::string peer() const;

  const std::unique_ptr<transport> under_;
  engine engine_;
  const std::string shown_;  // the host's name in messages; a server asks for its peer's endpoint then

  mutex receiving_, sending_;
  std::size_t receptions_ = 0;  // so far
  bool reads_ = false, writes_ = false;
  bool is_open_ = true;
  bool sends_no_more_ = false;
  bool has_parted_ = false;  // the close_notify was sent
  bool at_end_ = false;  // of the stream below
  std::optional<error> broken_;
};

}  // namespace braid::tls::detail
