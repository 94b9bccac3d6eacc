// The samples of docs/guide.md: operations of one's own, and senders of unknown type.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "braid/braid.hpp"

using namespace std::chrono_literals;

namespace {

/// A library that calls back, on a thread of its own.
class thermometer {
 public:
  ~thermometer() {
    if (thread_.joinable()) thread_.join();
  }
  void measure(std::function<void(int error, double degrees)> done) {
    thread_ = std::thread([done = std::move(done)] { done(0, 21.5); });
  }

 private:
  std::thread thread_;
};

// [from_callback]
auto measure(thermometer& with) {
  return braid::from_callback<double>([&with](braid::callback_done<double> done) {
    with.measure([done](int error, double degrees) {  // on any thread
      if (error != 0)
        done(std::error_code(error, std::generic_category()));
      else
        done(degrees);
    });
  });
}
// [/from_callback]

// [remove_file]
/// Removes a name from the file system: unlink(2).
struct remove_outcome {
  using value_type = void;
  static constexpr braid::io_hooks hooks{.prepare = true, .object = true};
  static constexpr const char* name() noexcept { return "remove_file"; }
  int prepare(braid::request& what) noexcept {  // the outcome has its final address now
    what.address = path.data();
    if (path.empty()) return ENOENT;  // an errno here ends the operation with it
    if (path.find('\0') != path.npos) return EINVAL;  // unlink would see the part before the zero alone
    return 0;
  }
  [[nodiscard]] std::string object() const { return path; }  // for the message of an error
  braid::result<void> operator()(int, const braid::request&) const noexcept { return {}; }  // success
  std::string path;
};

[[nodiscard]] auto remove_file(std::string path) {
  const braid::request what{.code = braid::opcode::unlink, .descriptor = braid::request::working_directory};
  return braid::io_sender<remove_outcome>{what, {std::move(path)}};
}
// [/remove_file]

// [readable]
/// Waits until a descriptor of another library can be read: poll(2). Completes with what is ready.
struct readable_outcome {
  using value_type = int;
  static constexpr const char* name() noexcept { return "readable"; }
  braid::result<int> operator()(int events, const braid::request&) const noexcept { return events; }
};

auto readable(int descriptor) {
  const braid::request what{.code = braid::opcode::poll, .descriptor = descriptor, .flags = POLLIN};
  return braid::io_sender<readable_outcome>{what, {}};
}
// [/readable]

braid::task<int> slowly(int value) {
  co_await braid::sleep_for(20ms);
  co_return value;
}

// [storing]
/// Any sender as a task: one type for all senders of T.
template <braid::sender S>
braid::task<braid::value_of<S>> as_task(S op) {
  co_return co_await std::move(op);
}

braid::task<int> storing() {
  std::vector<braid::task<int>> later;  // not begun
  later.push_back(slowly(1));
  later.push_back(as_task(braid::just(2)));
  std::vector<braid::future<int>> running;  // begun already
  running.push_back(braid::spawn(slowly(3)));
  running.push_back(braid::spawn(braid::just(4)));
  int sum = 0;
  for (int value : co_await braid::when_all(std::move(later))) sum += value;
  for (auto& each : running) sum += co_await std::move(each);

  const std::function<braid::task<int>()> five = [] { return slowly(5); };  // can be begun again and again
  sum += co_await five();
  co_return sum + co_await five();
}
// [/storing]

braid::task<> poll_a_pipe() {
  int ends[2];
  if (::pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const auto in = braid::file::from_descriptor(ends[0]);
  const auto out = braid::file::from_descriptor(ends[1]);
  auto waiting = braid::spawn(readable(in.number()));
  co_await out.write_all("x");
  const int events = co_await std::move(waiting);
  std::printf("%s\n", (events & POLLIN) != 0 ? "readable" : "not readable");
}

}  // namespace

int main() {
  braid::loop loop;
  thermometer there;
  std::printf("%.1f degrees\n", loop.run(measure(there)));

  const std::string path = "/tmp/guide-" + std::to_string(::getpid());
  loop.run(braid::write_file(path, "to be removed"));
  loop.run(remove_file(path));
  const auto again = loop.run(braid::as_result(remove_file("/no/such/file")));
  std::printf("%s\n", again ? "removed" : again.error().message().c_str());
  loop.run(braid::write_file(path, "to be kept"));
  const auto zero = loop.run(braid::as_result(remove_file(path + std::string(1, '\0') + "more")));
  const bool kept = ::unlink(path.c_str()) == 0;
  std::printf("%s, %s\n", zero ? "removed" : "refused", kept ? "kept" : "lost");
  loop.run(poll_a_pipe());

  std::printf("the sum is %d\n", loop.run(storing()));
}
