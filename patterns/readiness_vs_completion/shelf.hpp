#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <utility>

#include <braid/fs/file.hpp>
#include <braid/style/task.hpp>

namespace readiness_vs_completion {

using piece = std::array<char, 4096>;

/// What piece a number has: every byte says which.
[[nodiscard]] piece piece_of(unsigned number);

/// A file of numbered pieces.
///
/// Lifetime  outlives its reads.
/// Threads   one loop's.
class shelf {
 public:
  /// Writes such a file, to the disk.
  static void make(const std::filesystem::path& path, unsigned pieces);
  /// Opens one. Throws std::system_error.
  explicit shelf(const std::filesystem::path& path);

  /// Fills the room with the piece of that number.
  /// Errors  errc::end_of_stream when there is none.
  [[nodiscard]] braid::task<> read(unsigned number, piece& room) const;
  /// Has the system forget what it keeps of the file, where it can: the next read of a piece is the disk's.
  void cool() const noexcept;
  [[nodiscard]] const braid::file& file() const noexcept { return file_; }

 private:
  braid::file file_;
};

}  // namespace readiness_vs_completion
