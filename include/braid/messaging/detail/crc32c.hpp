#pragma once

#include <cstddef>
#include <cstdint>

namespace braid::messaging::detail {

/// The checksum CRC-32C (Castagnoli) of the bytes, or of those before, whose checksum is `before`, and these.
///
/// Cost  8 bytes in three cycles where the processor has the instruction (SSE 4.2, ARMv8's CRC); else a
///       table's look-up for each byte.
[[nodiscard]] std::uint32_t crc32c(const void* bytes, std::size_t size, std::uint32_t before = 0) noexcept;
// By the table, whatever the processor has.
[[nodiscard]] std::uint32_t crc32c_by_table(const void* bytes, std::size_t size,
                                            std::uint32_t before = 0) noexcept;

}  // namespace braid::messaging::detail
