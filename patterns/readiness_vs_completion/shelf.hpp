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

/// The piece with this number; its bytes are computed from the number.
[[nodiscard]] piece piece_of(unsigned number);

/// A file of numbered pieces.
///
/// Lifetime  outlives its reads.
/// Threads   one loop's.
class shelf {
 public:
  /// Writes such a file and makes it durable.
  static void make(const std::filesystem::path& path, unsigned pieces);
  /// Opens such a file. Throws std::system_error.
  explicit shelf(const std::filesystem::path& path);

  /// Fills the buffer with the piece of that number.
  /// Errors  errc::end_of_stream when there is none.
  [[nodiscard]] braid::task<> read(unsigned number, piece& room) const;
  /// Drops the file from the page cache, if possible: the next read of a piece comes from the disk.
  void cool() const noexcept;
  [[nodiscard]] const braid::file& file() const noexcept { return file_; }

 private:
  braid::file file_;
};

}  // namespace readiness_vs_completion
