#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "block_buffer.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/fs/file.hpp"
#include "braid/messaging/detail/log_format.hpp"
#include "braid/messaging/log.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/mutex.hpp"
#include "braid/sync/watch.hpp"
#include "segment_reader.hpp"

namespace braid::messaging::detail {

// Where an appended record stands.
struct appended {
  std::uint64_t sequence = 0;
  record_place at{};
};
// Called once an append has succeeded: in the order of the records, before any of those that wait goes on.
struct append_hook {
  void* context = nullptr;
  void (*call)(void* context, const appended& done) noexcept = nullptr;
};

// An append, a sync or a mark that waits, in the frame of its coroutine.
struct log_entry : braid::detail::list_node {
  enum class kind : std::uint8_t { data, mark, sync };

  log_entry(kind its_kind, durability its_how) noexcept : what(its_kind), how(its_how) {}
  ~log_entry() {
    if (linked()) unlink();
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return what == kind::sync ? 0 : record_bytes(size); }

  const kind what;
  const durability how;
  const void* data = nullptr;
  std::size_t size = 0;
  std::uint64_t sequence = 0;
  record_place at{};
  append_hook on_success{};
  std::optional<error> failed{};
  event done;
};

// A log, whose appends are written by one detached coroutine, a batch at a time. An append waits in waiting_
// until its batch is gathered, which copies its bytes, and then in in_flight_ until it is written and synced.
//
// Threads  its loop's.
class log_core : pinned, public std::enable_shared_from_this<log_core> {
 public:
  log_core(std::filesystem::path directory, const log_options& how);
  ~log_core();

  // ---- log_opening.cpp
  [[nodiscard]] static task<std::shared_ptr<log_core>> open(std::filesystem::path directory, log_options how);

  // ---- log_core.cpp
  [[nodiscard]] static task<std::uint64_t> append(std::shared_ptr<log_core> self, readable_bytes bytes,
                                                  durability how);
  // The same, with the place; the bytes become durable.
  [[nodiscard]] static task<appended> append_placed(std::shared_ptr<log_core> self, readable_bytes bytes,
                                                    append_hook on_success);
  [[nodiscard]] static task<> sync(std::shared_ptr<log_core> self);
  [[nodiscard]] static task<> close(std::shared_ptr<log_core> self);

  // ---- log_truncation.cpp
  [[nodiscard]] static task<> truncate_front(std::shared_ptr<log_core> self, std::uint64_t sequence);
  [[nodiscard]] static task<> truncate_back(std::shared_ptr<log_core> self, std::uint64_t sequence);

  // ---- log_reading.cpp
  [[nodiscard]] static async_generator<result<log_record>> read(std::shared_ptr<log_core> self,
                                                                std::uint64_t from, bool follows);
  // Reads bytes of an acknowledged record. Fails with errc::record_removed where its file was removed.
  [[nodiscard]] static task<> read_bytes(std::shared_ptr<log_core> self, record_place at,
                                         std::span<std::byte> to);

  [[nodiscard]] const log_options& options() const noexcept { return how_; }
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  // No write is taken any more, since one has failed; that one may be in the log.
  [[nodiscard]] bool is_stopped() const noexcept { return stopped_.has_value(); }
  [[nodiscard]] error failure(errc why, const char* call) const;
  // The file that is written to, and the length of all of them.
  [[nodiscard]] std::uint64_t last_segment() const noexcept {
    return segments_.empty() ? last() + 1 : segments_.rbegin()->first;
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  [[nodiscard]] std::uint64_t first() const noexcept {
    return segments_.empty() ? last() + 1 : segments_.begin()->first;
  }
  [[nodiscard]] std::uint64_t last() const noexcept { return visible_.get(); }
  [[nodiscard]] std::uint64_t durable() const noexcept { return durable_; }
  [[nodiscard]] const log_recovery& recovery() const noexcept { return recovery_; }
  [[nodiscard]] const log_metrics& metrics() const noexcept { return metrics_; }
  [[nodiscard]] std::vector<log_segment> segments() const;

 private:
  struct index_entry {
    std::uint64_t sequence, offset;
  };
  struct segment_file {
    std::filesystem::path path;
    std::uint64_t last = 0;  // its last acknowledged record
    std::uint64_t bytes = 0;  // up to the end of that
    std::vector<index_entry> index{};  // every index_step bytes or more, as far as it was read or written
    std::shared_ptr<const file> reader{};  // of read_bytes
  };
  static constexpr std::uint64_t index_step = 64 << 10;
  static constexpr std::size_t most_readers = 8;

  // ---- log_opening.cpp
  [[nodiscard]] task<> make_directory();
  [[nodiscard]] task<> take_lock();
  [[nodiscard]] task<> find_segments();
  [[nodiscard]] task<file> open_segment(std::uint64_t first) const;
  [[nodiscard]] task<> recover_last();
  // Reads a segment up to its end, and decides where the log ends.
  struct scan {
    std::uint64_t size = 0, end = 0;
    std::uint64_t known_durable = 0, last = 0;
  };
  [[nodiscard]] task<scan> scan_last(std::uint64_t first);
  [[nodiscard]] task<> mend_last(scan found);
  [[nodiscard]] task<> open_for_writing();

  // ---- log_core.cpp
  void require_writable(const char* call) const;
  void require_appendable(std::size_t bytes) const;
  [[nodiscard]] error own_failure(const error& why) const noexcept;
  void stop(const error& why) noexcept;
  [[nodiscard]] task<> wait_for(log_entry& entry);
  [[nodiscard]] static task<> write_waiting(std::shared_ptr<log_core> self);
  [[nodiscard]] task<> write_batch();
  void finish_batch(const std::optional<error>& failed) noexcept;
  [[nodiscard]] bool needs_new_segment() noexcept;
  [[nodiscard]] task<> begin_segment();
  [[nodiscard]] task<> retain();
  bool gather();  // true if the batch is to be synced
  void put(log_entry& entry, std::uint64_t offset);
  [[nodiscard]] task<> write_out();
  [[nodiscard]] task<> take_back(const error& why);
  [[nodiscard]] task<> sync_files();
  [[nodiscard]] bool is_synced() const noexcept { return written_ == durable_ && !unsynced_; }
  void sync_later(loop_clock::duration time);
  [[nodiscard]] static task<> sync_when_due(std::shared_ptr<log_core> self);
  [[nodiscard]] static task<> close_files(std::shared_ptr<log_core> self);

  // ---- log_reading.cpp
  [[nodiscard]] task<std::shared_ptr<const file>> reader_of(std::uint64_t segment);
  void note(std::uint64_t segment, std::uint64_t sequence, std::uint64_t offset) noexcept;
  [[nodiscard]] index_entry find(std::uint64_t segment, std::uint64_t sequence) const;
  [[nodiscard]] std::optional<std::uint64_t> following(std::uint64_t segment) const;
  [[nodiscard]] std::uint64_t end_of(std::uint64_t segment, std::uint64_t otherwise) const;
  [[nodiscard]] error removed(std::uint64_t sequence) const;

  // ---- log_truncation.cpp
  [[nodiscard]] task<> remove_segment(std::uint64_t first);
  [[nodiscard]] task<> cut_from(std::uint64_t sequence);
  [[nodiscard]] task<std::uint64_t> offset_of(std::uint64_t segment, std::uint64_t sequence);

  const std::filesystem::path directory_;
  const log_options how_;
  const pid_t process_ = ::getpid();
  file lock_;
  log_recovery recovery_;
  log_metrics metrics_;

  // what is in the files
  std::map<std::uint64_t, segment_file> segments_;  // by the number of the first record
  watch<std::uint64_t> visible_{0};  // the last acknowledged record
  std::uint64_t written_ = 0;  // the last record that was written
  std::uint64_t durable_ = 0;  // the last one that was synced
  std::uint64_t marked_ = 0;  // what the last mark in the files says
  std::uint64_t cuts_ = 0;  // how often truncate_back has removed records
  std::size_t readers_ = 0;  // how many segments have one

  // the file that is written to
  mutex door_;  // held while a batch is written, and by truncations
  file file_;
  std::uint64_t position_ = 0;  // its end
  bool unsynced_ = false;  // it, or the directory, was written to since the last sync
  bool directory_unsynced_ = false;
  std::byte last_block_[block_buffer::block_bytes];  // of a direct log: what the block at its end holds

  // the batch
  braid::detail::intrusive_list<log_entry> waiting_, in_flight_;
  block_buffer batch_;
  std::uint64_t batch_from_ = 0;  // the offset of its first byte
  std::uint64_t batch_end_ = 0;  // the offset behind its last record
  std::uint64_t batch_last_ = 0;  // the number of its last record
  std::uint64_t batch_mark_ = 0;
  std::optional<loop_clock::duration> batch_interval_{};
  bool gathered_ = false;  // it was moved to in_flight_
  bool writing_ = false;  // write_waiting runs

  std::optional<loop_clock::time_point> sync_due_{};
  bool waits_for_due_ = false;  // sync_when_due runs
  loop_clock::time_point wakes_at_{};  // of that
  std::optional<stop_source> nap_{};  // wakes it earlier
  std::optional<error> stopped_{};
  bool closed_ = false;
  event close_ended_;
};

}  // namespace braid::messaging::detail
