#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/http/client.hpp"
#include "braid/http/detail/body_source.hpp"
#include "braid/style/future.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/semaphore.hpp"
#include "input_buffer.hpp"
#include "message_parser.hpp"

namespace braid::http::detail {

// One connection of a client, between two requests or at one. A body that is streamed, or long, is sent while
// the response is read, by a task that keeps the connection until it has ended.
class client_exchange : public std::enable_shared_from_this<client_exchange>, pinned {
 public:
  /// `server` is its name for messages.
  client_exchange(any_stream stream, std::string server, const client_options& options);

  /// Is a body so short that it is written together with its head?
  [[nodiscard]] static bool is_short(const body& one) noexcept;
  /// Writes the request and reads the head of the response. Throws; answered() says whether anything of a
  /// response had arrived by then. With holds_back it asks the server before it sends the body.
  [[nodiscard]] task<response> ask(std::string_view head, request& asked, bool holds_back);
  /// Has the server answered before it got anything of the body? Then the request still has it.
  [[nodiscard]] bool held_back() const noexcept { return holds_back_; }
  /// Is the response's body read?
  [[nodiscard]] bool is_whole() const noexcept { return whole_; }
  [[nodiscard]] bool answered() const noexcept { return answered_; }
  /// The next piece of the response's body, or none at its end.
  [[nodiscard]] task<std::optional<std::string>> next();
  [[nodiscard]] std::optional<std::uint64_t> left() const noexcept;
  /// Can another request follow? True once the body is whole, and both sides stay.
  [[nodiscard]] bool is_reusable() const noexcept { return whole_ && stays_ && sent_ && input_.empty(); }
  /// Nobody wants the rest of the response.
  void leave() noexcept {
    if (sending_) sending_->request_stop();
  }
  /// Has the server closed the connection, or sent what nobody asked for?
  [[nodiscard]] task<bool> is_stale();

  bool used_before = false;
  loop_clock::time_point idle_since{};

 private:
  static task<> send(std::shared_ptr<client_exchange> self, std::string_view whole);
  task<> send_pieces();
  task<> write_both(std::string_view whole);
  task<> write(std::string_view bytes);
  task<> stop_sending();
  task<> end_sending();
  task<> hear(request& asked);
  task<> await_continue();
  task<> read_head();
  task<std::size_t> fill(loop_clock::duration within);
  [[nodiscard]] error no_http(const char* why) const;
  [[nodiscard]] error ended_early() const;

  any_stream stream_;
  const std::string server_;
  const client_options& options_;
  input_buffer input_;
  message_parser parser_;
  std::string out_;
  std::uint64_t received_ = 0;
  // the body that is being sent
  body body_;
  std::optional<future<void>> sending_;
  auto_reset_event sending_ended_;
  std::optional<error> unsent_;  // why it could not be made or sent
  bool write_failed_ = false;
  bool holds_back_ = false;  // the body, until the server says 100 Continue
  bool sent_ = true;
  bool answered_ = false, whole_ = true, stays_ = true;
};

// The connections of a client, and the bounds on them.
class client_pool final : public std::enable_shared_from_this<client_pool>, pinned {
  struct host;

 public:
  explicit client_pool(client_options its_options);

  // A connection in use. Gives it back, or closes it.
  class lease {
   public:
    lease(std::shared_ptr<client_pool> of, host& at) : pool_(std::move(of)), at_(&at) {}
    lease(lease&& other) noexcept = default;  // leaves no pool in other
    lease& operator=(lease&&) = delete;
    ~lease();
    std::shared_ptr<client_exchange> exchange;

   private:
    friend client_pool;
    std::shared_ptr<client_pool> pool_;
    host* at_;
    std::optional<semaphore::permit> of_all_, of_host_;
  };

  /// Sends a request, again if that is safe, and reads the head of its response.
  [[nodiscard]] task<response> exchange(url to, request& asked);
  /// A place for a connection to that origin, with an idle one if there is any and `fresh` is false.
  [[nodiscard]] task<lease> take(url to, bool fresh);
  /// Makes a connection.
  [[nodiscard]] task<std::shared_ptr<client_exchange>> connect(url to);
  [[nodiscard]] std::size_t idle() const noexcept { return idle_; }

  client_options options;

 private:
  struct host {
    host(std::string its_origin, std::size_t most) : origin(std::move(its_origin)), places(most) {}
    const std::string origin;
    semaphore places;
    std::size_t users = 0;
    std::vector<std::shared_ptr<client_exchange>> idle;  // the latest last
  };
  void give_back(host& at, std::shared_ptr<client_exchange> one) noexcept;
  void drop_oldest() noexcept;
  void leave(host& at) noexcept;

  semaphore places_;
  std::size_t idle_ = 0;
  std::map<std::string, std::unique_ptr<host>> hosts_;  // by origin
};

// A response's body, with the connection over which it arrives.
class client_body final : public body_source {
 public:
  explicit client_body(client_pool::lease from) noexcept : from_(std::move(from)) {}
  task<std::optional<std::string>> next() override;
  [[nodiscard]] std::optional<std::uint64_t> left() const noexcept override;

 private:
  std::optional<client_pool::lease> from_;  // empty once the body is whole
};

}  // namespace braid::http::detail
