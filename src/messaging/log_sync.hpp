#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "braid/fs/file.hpp"
#include "braid/style/task.hpp"

namespace braid::messaging::detail {

[[nodiscard]] task<> write_exactly_at(const file& to, std::uint64_t offset, std::span<const std::byte> bytes);
[[nodiscard]] task<> sync_file(const file& which, bool with_metadata);
// Makes the names in a directory durable.
[[nodiscard]] task<> sync_directory(std::filesystem::path directory);

}  // namespace braid::messaging::detail
