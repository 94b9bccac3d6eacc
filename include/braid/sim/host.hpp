#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "braid/base/unique_function.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/task.hpp"

namespace braid::sim {

class world;
class host;

namespace detail {
class agenda;
class agenda_entry;
class machine;
class sim_reactor;
}  // namespace detail

/// How long a host's disk takes, how much it holds, and whether it forgets. A crash leaves what ext4 may:
///
/// A sync that succeeds makes durable what was written to its file and every change of a name so far;
/// datasync the names only where the file is new or its size has changed. Of what was not synced each write
/// is kept, torn between sectors of 512 bytes, or lost; a growth likewise, apart from its bytes, which are
/// zeros where they are lost; a truncation whole. Names change in their order, a rename whole. After a sync
/// that failed the cache takes its bytes for written: no later sync makes them durable, unless they are
/// written again.
struct disk_options {
  loop_clock::duration least_latency{};  ///< of each request on a file; drawn between the two
  loop_clock::duration most_latency{};
  loop_clock::duration sync_latency{};  ///< of an fsync, on top
  std::uint64_t capacity_bytes = ~std::uint64_t{0};  ///< more is ENOSPC
  bool loses_unsynced = true;  ///< a crash loses or tears what was not synced; false: the perfect disk
};

struct host_options {
  /// What the host does: called when it starts, and again at each restart. An error of it is the world's.
  unique_function<task<void>(host&)> program{};
  loop_clock::duration clock_offset{};  ///< its clock is ahead of the world's by this
  double clock_rate = 1;  ///< and runs so much faster
  disk_options disk{};
  int most_descriptors = 1024;  ///< more is EMFILE
};

/// A simulated computer: an address, a disk that outlives crashes, a kernel and a loop that do not.
///
/// Lifetime  its world's.
/// Threads   its world's.
class host : pinned {
 public:
  host(world& in, std::string name, std::string address, host_options options);
  ~host();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// "10.0.0.1".
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] world& within() const noexcept { return world_; }
  /// It has power.
  [[nodiscard]] bool up() const noexcept { return loop_ != nullptr; }
  /// Throws std::logic_error while the host is down.
  [[nodiscard]] loop& its_loop();
  /// What its clock shows.
  [[nodiscard]] loop_clock::time_point now() const noexcept;
  [[nodiscard]] const host_options& options() const noexcept { return options_; }

  /// What a file holds, as a program on this host would read it; nothing where there is no such file.
  [[nodiscard]] std::optional<std::string> contents(const std::string& path) const;
  /// Makes a file with these bytes, as safely as if it had been there for ever.
  void put(const std::string& path, readable_bytes bytes);

 private:
  friend class world;
  friend class virtual_time;
  friend class detail::agenda;
  friend class detail::machine;
  friend class detail::sim_reactor;

  void start();
  void end_loop();
  void awaken() noexcept;
  void changed() noexcept;  // any thread
  void lose_power();
  [[nodiscard]] loop_clock::time_point clock_at(loop_clock::time_point worlds) const noexcept;
  [[nodiscard]] loop_clock::time_point world_time_of(loop_clock::time_point mine) const noexcept;

  world& world_;
  const std::string name_, address_;
  host_options options_;
  std::unique_ptr<detail::machine> machine_;
  std::unique_ptr<loop> loop_;
  detail::sim_reactor* reactor_ = nullptr;  // the loop's
  detail::agenda_entry* entry_ = nullptr;  // none for a loop on virtual time, which no world turns
  unsigned boots_ = 0;
};

}  // namespace braid::sim
