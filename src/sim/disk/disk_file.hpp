#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "disk/volume.hpp"
#include "machine.hpp"

namespace braid::sim::detail {

// An open file or directory, with its own position.
class disk_file final : public object {
 public:
  // The longest file, as on ext4.
  static constexpr std::uint64_t most_bytes = 0xffff'ffff'000;

  disk_file(std::shared_ptr<volume> on, std::shared_ptr<node> what, int flags);
  ~disk_file() override;

  [[nodiscard]] std::optional<std::int32_t> attempt(const request& what) override;
  [[nodiscard]] loop_clock::duration latency(const request& what) override;
  [[nodiscard]] std::string describe() const override { return on_->names.path_of(*node_); }
  void sync_failed() noexcept override;

 private:
  [[nodiscard]] bool is_path_alone() const noexcept;
  [[nodiscard]] bool reads() const noexcept;
  [[nodiscard]] bool writes() const noexcept;
  [[nodiscard]] bool syncs_each_write() const noexcept;

  std::int32_t read(const request& what);
  std::int32_t write(const request& what);
  std::int32_t truncate(std::uint64_t size);
  std::int32_t read_directory(const request& what);
  std::int32_t status(const request& what) const;

  const std::shared_ptr<volume> on_;
  const std::shared_ptr<node> node_;
  const int flags_;
  const std::uint64_t opened_before_;  // the number of crashes before it was opened
  std::uint64_t position_ = 0;
  std::string last_name_;  // of a directory: the last one that was read
};

}  // namespace braid::sim::detail
