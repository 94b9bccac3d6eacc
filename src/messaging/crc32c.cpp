#include "braid/messaging/detail/crc32c.hpp"

#include <array>
#include <cstring>
#if defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace braid::messaging::detail {

namespace {

constexpr std::array<std::uint32_t, 256> table = [] {
  constexpr std::uint32_t polynomial = 0x82f63b78;  // Castagnoli's, its bits reversed
  std::array<std::uint32_t, 256> made{};
  for (std::uint32_t i = 0; i != made.size(); ++i) {
    std::uint32_t left = i;
    for (int bit = 0; bit != 8; ++bit) left = (left >> 1) ^ ((left & 1) != 0 ? polynomial : 0);
    made[i] = left;
  }
  return made;
}();

#if defined(__x86_64__)
[[gnu::target("sse4.2")]] std::uint32_t by_instruction(const unsigned char* at, std::size_t size,
                                                       std::uint32_t sum) noexcept {
  std::uint64_t wide = sum;
  for (; size >= 8; at += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  sum = static_cast<std::uint32_t>(wide);
  for (; size != 0; ++at, --size) sum = __builtin_ia32_crc32qi(sum, *at);
  return sum;
}
bool has_instruction() noexcept {
  static const bool has = __builtin_cpu_supports("sse4.2") != 0;
  return has;
}
#elif defined(__ARM_FEATURE_CRC32)
std::uint32_t by_instruction(const unsigned char* at, std::size_t size, std::uint32_t sum) noexcept {
  for (; size >= 8; at += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    sum = __crc32cd(sum, word);
  }
  for (; size != 0; ++at, --size) sum = __crc32cb(sum, *at);
  return sum;
}
bool has_instruction() noexcept { return true; }
#else
std::uint32_t by_instruction(const unsigned char*, std::size_t, std::uint32_t sum) noexcept { return sum; }
bool has_instruction() noexcept { return false; }
#endif

}  // namespace

std::uint32_t crc32c_by_table(const void* bytes, std::size_t size, std::uint32_t before) noexcept {
  const auto* at = static_cast<const unsigned char*>(bytes);
  std::uint32_t sum = ~before;
  for (; size != 0; ++at, --size) sum = table[(sum ^ *at) & 0xff] ^ (sum >> 8);
  return ~sum;
}

std::uint32_t crc32c(const void* bytes, std::size_t size, std::uint32_t before) noexcept {
  if (!has_instruction()) return crc32c_by_table(bytes, size, before);
  return ~by_instruction(static_cast<const unsigned char*>(bytes), size, ~before);
}

}  // namespace braid::messaging::detail
