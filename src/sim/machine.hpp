#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "braid/loop/direct_calls.hpp"
#include "braid/loop/reactor.hpp"
#include "braid/sim/world.hpp"

// The parts of a simulated host's kernel.
namespace braid::sim::detail {

class machine;
class computer;
class disk;
class network;
class timeline;

// The object behind a descriptor: POSIX's open file description.
class object : pinned {
 public:
  virtual ~object() = default;
  // Gives the result that the system call would give on a descriptor that never blocks; empty instead of
  // EAGAIN. The request then waits until changed() is called.
  [[nodiscard]] virtual std::optional<std::int32_t> attempt(const request& what) = 0;
  // The time that the device takes before the request is attempted.
  [[nodiscard]] virtual loop_clock::duration latency(const request&) { return {}; }
  // For messages.
  [[nodiscard]] virtual std::string describe() const = 0;
  // Called when its last descriptor is closed.
  virtual void closed() noexcept {}
  // Called when a reset fault hits it.
  virtual void reset() noexcept {}
  // Called before a send that is to be lost, duplicated or delayed.
  virtual void meets(const fault_schedule::hit&) noexcept {}
  // Called when a fault made an fsync of it fail.
  virtual void sync_failed() noexcept {}

  // To be called when its state has changed: attempts the waiting requests again.
  void changed();

 private:
  friend class machine;
  machine* waits_on_ = nullptr;
  std::vector<std::uint64_t> waiting_;  // numbers of that machine's requests that wait for it
};

// A request in flight.
struct pending {
  io_operation* operation;
  std::uint64_t number;  // in the order in which requests were submitted
  request what;  // the request to attempt: a fault may have shortened it
  std::shared_ptr<object> on;
  bool waits = false;  // until changed() of its object
  bool given_up = false;  // cancelled too late: the device was at work
  std::optional<std::int32_t> answer{};  // the result that a fault gives it
};

// A host's kernel: descriptors, and the requests in flight.
class machine final : public direct_calls {
 public:
  machine(host& of, computer& runs_on, timeline& time, network& connects);
  ~machine();

  [[nodiscard]] world& within() const noexcept { return world_; }
  [[nodiscard]] host& owner() const noexcept { return host_; }
  [[nodiscard]] const std::string& address() const noexcept { return host_.address(); }
  [[nodiscard]] disk& its_disk() const noexcept { return *disk_; }

  // ---- for its reactor

  // Throws std::bad_alloc; then the operation has not been submitted.
  void submit(io_operation& operation);
  void cancel(io_operation& operation);
  void cancel_all();
  [[nodiscard]] std::size_t in_flight() const noexcept { return pending_.size() + completed_.size(); }
  struct completed {
    io_operation* operation;
    completion ended;
  };
  // The completions that were not delivered to their operations yet.
  [[nodiscard]] std::vector<completed>& completions() noexcept { return completed_; }

  // ---- for its objects

  // A new descriptor for the object, or -EMFILE.
  [[nodiscard]] int install(std::shared_ptr<object> what);
  [[nodiscard]] std::shared_ptr<object> find(int descriptor) const;
  void retry(object& changed);

  // Called when the host crashes: the descriptors are gone, and later requests have no effect.
  void lose_power();
  void get_power(unsigned boots) noexcept;
  [[nodiscard]] bool has_power() const noexcept { return powered_; }

  // ---- direct_calls
  direct_calls& of_threads() noexcept override { return *this; }
  int socket(int family, int type, int protocol) noexcept override;
  int bind(int socket, const sockaddr* address, socklen_t length) noexcept override;
  int listen(int socket, int backlog) noexcept override;
  int connect(int socket, const sockaddr* address, socklen_t length) noexcept override;
  int set_option(int socket, int level, int name, const void* value, socklen_t length) noexcept override;
  int splice_pipe(int (&)[2], int) noexcept override { return -ENOSYS; }
  int local_name(int socket, sockaddr_storage& name) noexcept override;
  int peer_name(int socket, sockaddr_storage& name) noexcept override;
  int pipe(int (&ends)[2]) noexcept override;
  int close(int descriptor) noexcept override;
  file_traits traits_of(int descriptor) noexcept override;
  bool share_position(int one, int other) noexcept override;
  std::string describe(int descriptor) override;
  int look_up(const std::string& host, const std::string& service,
              std::vector<sockaddr_storage>& found) override;

 private:
  [[nodiscard]] loop_clock::duration meet(const fault_schedule::hit& fault, pending& one);
  void begin(std::uint64_t number, pending& made);
  void make_room(std::size_t more);
  void attempt(std::uint64_t number);
  [[nodiscard]] std::optional<std::int32_t> carry_out(pending& one);
  [[nodiscard]] std::int32_t open(const request& what);
  [[nodiscard]] std::optional<std::int32_t> accept_all(pending& one);
  [[nodiscard]] std::optional<std::int32_t> receive_all(pending& one);
  [[nodiscard]] std::int32_t cancel_descriptor(int descriptor, std::uint64_t asked_by);
  [[nodiscard]] bool full() const noexcept;
  template <class Ask>
  int ask_socket(int descriptor, Ask ask) const noexcept;
  void complete(std::uint64_t number, completion ended);
  void add_completion(completed one);

  world& world_;
  host& host_;
  computer& computer_;
  timeline& time_;
  network& network_;
  std::unique_ptr<disk> disk_;
  bool powered_ = true;
  int first_descriptor_ = 0;
  std::map<int, std::shared_ptr<object>> descriptors_;
  std::map<std::uint64_t, pending> pending_;  // by number
  std::unordered_map<const io_operation*, std::uint64_t> numbers_;  // used for lookups only, never iterated
  std::uint64_t begun_ = 0;
  std::vector<completed> completed_;
};

}  // namespace braid::sim::detail
