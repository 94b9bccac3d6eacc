// A chat server: a client's first line is its name, each other one a message to everybody else. A client that
// does not read what the others say is dropped, so that nobody ever waits for it.
//
//     build/examples/chat_server --serve 127.0.0.1:7778
//     nc 127.0.0.1 7778

#include <braid/braid.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "serve_until_signal.hpp"

namespace {

using text = std::shared_ptr<const std::string>;  // one for all that get it

class room;

/// A client that has given its name. It is in the room as long as it lives.
struct member : braid::pinned {
  member(room& in, std::string its_name);
  ~member();

  room& within;
  const std::string name;
  braid::channel<text> unsent{100};
  braid::event falls_behind;
};

class room {
 public:
  [[nodiscard]] bool has(const std::string& name) const { return members_.contains(name); }
  void enter(member& one) { members_.emplace(one.name, &one); }
  void leave(const member& one) { members_.erase(one.name); }

  /// Never waits: a member who has no room for the line falls behind.
  void tell_all(const std::string& line, const member* but = nullptr) {
    const auto whole = std::make_shared<const std::string>(line + "\n");
    for (const auto& [name, each] : members_)
      if (each != but && !each->unsent.try_send(whole)) each->falls_behind.set();
  }

 private:
  std::map<std::string, member*> members_;
};

member::member(room& in, std::string its_name) : within(in), name(std::move(its_name)) {
  within.enter(*this);
}
member::~member() { within.leave(*this); }

using line_reader = braid::buffered_reader<braid::tcp::stream>;

braid::task<> hear(line_reader& client, member& speaker) {
  room& all = speaker.within;
  while (const auto line = co_await client.read_line(1000))
    all.tell_all(speaker.name + ": " + *line, &speaker);
}

braid::task<> send(const braid::tcp::stream& client, member& listener) {
  auto& unsent = listener.unsent;
  while (const auto next = co_await unsent.receive()) co_await client.write_all(**next);
}

/// Returns why the member has left.
braid::task<std::string> talk(const braid::tcp::stream& client, line_reader& lines, member& self) {
  auto until_first = braid::when_any(hear(lines, self), send(client, self), self.falls_behind.wait());
  auto talking = braid::as_result(std::move(until_first));
  const auto ended = co_await std::move(talking);
  if (!ended) co_return "has gone: " + ended.error().message();
  co_return ended->index == 2 ? "is too slow" : "has left";
}

braid::task<> chat(room& all, braid::tcp::stream client) {
  line_reader lines(client);
  co_await client.write_all("your name?\n");
  const std::optional<std::string> name = co_await lines.read_line(40);
  if (!name || name->empty() || all.has(*name)) {
    co_await client.write_all("not this one\n");
    co_return;
  }
  std::string why;
  {
    member self(all, *name);
    all.tell_all("* " + *name + " is here");
    why = co_await talk(client, lines, self);
  }
  all.tell_all("* " + *name + " " + why);
}

braid::task<> serve(servers::options given) {
  // A little buffer for each client in the system, so that one that does not read is noticed soon.
  const braid::tcp::listen_options how{.stream = {.send_buffer = 64 << 10}};
  braid::tcp::listener door = co_await braid::tcp::listen(servers::address(given["--serve"]), how);
  room all;
  const auto one = [&all](braid::tcp::stream client) { return chat(all, std::move(client)); };
  co_await servers::serve_until_signal(door, braid::tcp::serve(door, one));
}

}  // namespace

int main(int argc, char** argv) { return servers::run(argc, argv, {{"--serve", "127.0.0.1:7778"}}, serve); }
