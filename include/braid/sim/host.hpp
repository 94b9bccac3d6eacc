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
class computer;
}  // namespace detail

/// The latency and capacity of a host's disk, and what a crash loses. A crash leaves what ext4 may leave:
///
///     sim::world here(7);
///     const sim::disk_options slow{.sync_latency = 10ms, .capacity_bytes = 1 << 20};
///     sim::host& archive = here.add_host("archive", {.disk = slow});
///
/// A successful sync makes durable what was written to its file, and all changes of names so far; datasync
/// makes the names durable only if the file is new or its size has changed. Each write that was not synced is
/// kept, lost, or torn between sectors of 512 bytes. A growth is kept or lost independently of its bytes,
/// which read as zeros if they are lost; a truncation is kept or lost as a whole. Changes of names keep their
/// order, and a rename is atomic. After a failed sync the cache considers its bytes written: no later sync
/// makes them durable unless they are written again.
struct disk_options {
  loop_clock::duration least_latency{};  ///< of each request on a file, drawn between least and most
  loop_clock::duration most_latency{};
  loop_clock::duration sync_latency{};  ///< of an fsync, in addition
  std::uint64_t capacity_bytes = ~std::uint64_t{0};  ///< more is ENOSPC
  bool loses_unsynced = true;  ///< a crash loses or tears what was not synced; false: nothing is lost
};

/// The program of a host, its clock, its disk and its limit of descriptors.
///
///     sim::world here(7);
///     sim::host_options ahead{.clock_offset = 3s};
///     ahead.program = [](sim::host&) { return serve_all(); };
///     here.add_host("server", std::move(ahead));
struct host_options {
  /// The program of the host: called when it starts, and at each restart. Its error is the world's error.
  unique_function<task<void>(host&)> program{};
  loop_clock::duration clock_offset{};  ///< how far its clock is ahead of the world's
  double clock_rate = 1;  ///< and how much faster it runs
  disk_options disk{};
  int most_descriptors = 1024;  ///< more is EMFILE
};

/// A simulated computer: an address, a disk that survives crashes, and a kernel and a loop that do not.
///
///     sim::world here(7);
///     sim::host& server = here.add_host("server");
///     server.put("/etc/motd", "hello");
///     log(here.run_on(server, read_file("/etc/motd")));
///
/// Lifetime  its world's.
/// Threads   its world's.
class host : pinned {
 public:
  host(world& in, std::string name, std::string address, host_options options);
  ~host();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Its address, such as "10.0.0.1".
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] world& within() const noexcept { return world_; }
  /// True while it has power.
  [[nodiscard]] bool up() const noexcept;
  /// Throws std::logic_error while the host is down.
  [[nodiscard]] loop& its_loop();
  /// The time of its clock.
  [[nodiscard]] loop_clock::time_point now() const noexcept;
  [[nodiscard]] const host_options& options() const noexcept { return options_; }

  /// The content of a file as a program on this host would read it; nothing if there is no such file.
  [[nodiscard]] std::optional<std::string> contents(const std::string& path) const;
  /// Makes a file with these bytes, which are durable at once.
  void put(const std::string& path, readable_bytes bytes);

 private:
  friend class world;
  friend class virtual_time;

  void start();
  void awaken() noexcept;

  world& world_;
  const std::string name_, address_;
  host_options options_;
  std::unique_ptr<detail::computer> computer_;
};

}  // namespace braid::sim
