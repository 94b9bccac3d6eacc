#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/combine/scope.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/http/detail/body_source.hpp"
#include "braid/loop/timer_base.hpp"
#include "braid/net/any_stream.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/mutex.hpp"
#include "braid/sync/semaphore.hpp"
#include "input_buffer.hpp"
#include "message_parser.hpp"
#include "response_head.hpp"
#include "server_core.hpp"

namespace braid::http::detail {

// One connection of a server: reads a request, runs the handler, writes the response, and again.
//
// While a handler waits, a read ahead is in flight, which notices a client that goes away. It stays in flight
// when the handler ends, and is then the read for the next request. A deadline stops the conversation as a
// whole; end() has the last word, which no stop request reaches.
class server_connection final : public braid::detail::list_node {
 public:
  server_connection(server_core& server, any_stream client, std::optional<endpoint> peer);
  ~server_connection();

  /// Serves the connection until it ends, or turns it away.
  [[nodiscard]] task<> run();
  /// Ends the connection behind its response, or now if it is idle.
  void shut_down() noexcept;

 private:
  enum class phase : unsigned char { idle, head, answer };
  enum class cut : unsigned char { none, late, idle, stalled, gone, shut_down };
  using permit = std::optional<semaphore::permit>;

  // The conversation.
  task<> converse();
  task<bool> read_head();
  task<bool> answer();
  task<response> ask_handler();
  task<permit> admit();
  [[nodiscard]] response answer_to(const error& why);
  [[nodiscard]] std::optional<loop_clock::duration> time_limit() const noexcept;
  task<> send(response& given);
  [[nodiscard]] response_form form_of(response& given);
  task<> send_whole(std::string_view bytes);
  task<> stream(body& from, response_form form);
  task<bool> drop_rest_of_body();
  void note_access(int status);
  void forget_request();
  void refuse(response with);
  task<> end(bool from_outside);
  task<> say_last();

  // Bytes in, ahead or when they are needed.
  task<std::size_t> fill(std::uint64_t seen);
  task<> read_ahead();
  void watch();
  void flush_aside();
  void input_ended(bool failed) noexcept;
  // Bytes out.
  task<> flush();
  task<> write(std::string_view bytes);

  // The request's body.
  struct source final : body_source {
    explicit source(server_connection& of) noexcept : self(of) {}
    task<std::optional<std::string>> next() override { return self.next_piece(); }
    [[nodiscard]] std::optional<std::uint64_t> left() const noexcept override { return self.body_left(); }
    void leave() noexcept override {}
    server_connection& self;
  };
  void begin_body();
  task<std::optional<std::string>> next_piece();
  task<> wait_for_body();
  [[nodiscard]] std::optional<std::uint64_t> body_left() const noexcept;

  // Deadlines. The timer is moved only to an earlier instant, and set again when it has come too early: so a
  // deadline that is not reached costs one look at the clock.
  struct alarm_timer final : timer_base {
    explicit alarm_timer(server_connection& of) noexcept : timer_base(on_end), self(of) {}
    static void on_end(operation_base& base, completion with) noexcept {
      static_cast<alarm_timer&>(base).self.on_alarm(with.result == 0);
    }
    server_connection& self;
  };
  class armed;
  void arm(loop_clock::time_point& which, loop_clock::duration d) noexcept;
  void set_alarm(loop_clock::time_point at) noexcept;
  void on_alarm(bool due) noexcept;
  task<> end_alarm();
  void cut_off(cut why) noexcept;

  static constexpr loop_clock::time_point never = loop_clock::time_point::max();

  server_core& server_;
  any_stream client_;
  scope* within_ = nullptr;
  stop_source cut_source_;
  cut cut_ = cut::none;
  phase phase_ = phase::idle;
  // input
  input_buffer input_;
  auto_reset_event arrived_;
  bool reads_ahead_ = false;
  bool ended_ = false;  // nothing more arrives
  bool drops_input_ = false;  // the client may still be sending when the connection ends
  message_parser parser_;
  // the body, which the request refers to
  source source_{*this};
  bool body_whole_ = true;
  bool body_failed_ = false;
  bool owes_continue_ = false;
  std::uint64_t body_received_ = 0, body_counted_ = 0;
  loop_clock::duration body_waited_{};  // since body_counted_
  request request_;
  // output
  mutex writing_;
  std::string out_, sending_;
  bool answering_ = false;  // the head of the response is made
  bool keeps_alive_ = true;
  bool broken_ = false;  // nothing more can be written
  bool end_says_whole_ = false;  // a response is on its way whose body is all that comes until the end
  bool is_turned_away_ = false;
  std::size_t requests_ = 0;
  std::uint64_t sent_body_ = 0;
  loop_clock::time_point begun_{};
  // deadlines
  loop_clock::time_point read_by_ = never, written_by_ = never;
  alarm_timer timer_{*this};
  bool alarm_set_ = false;
  braid::event alarm_off_{true};
};

}  // namespace braid::http::detail
