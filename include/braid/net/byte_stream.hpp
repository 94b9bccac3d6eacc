#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/bytes.hpp"

namespace braid {

/// Has bytes to read: read_some(bytes) is a sender of how many it has read, 0 at the end.
///
///     template <readable S>
///     task<std::size_t> size_of(S& from) {
///       std::array<char, 4096> part;
///       std::size_t size = 0;
///       while (const std::size_t got = co_await from.read_some(part)) size += got;
///       co_return size;
///     }
///     static_assert(readable<file> && readable<tcp::stream>);
template <class S>
concept readable = requires(std::remove_reference_t<S>& from, writable_bytes to) {
  { from.read_some(to) } -> sender;
  requires std::same_as<value_of<decltype(from.read_some(to))>, std::size_t>;
};

/// Takes bytes: write_all(bytes) is a sender of void. error::transferred() of its failure says how many of
/// them were written.
///
///     template <writable S>
///     task<> greet(S& whom) {
///       co_await whom.write_all("hello\n");
///     }
template <class S>
concept writable = requires(std::remove_reference_t<S>& to, readable_bytes from) {
  { to.write_all(from) } -> sender;
  requires std::same_as<value_of<decltype(to.write_all(from))>, void>;
};

/// Can be read and written: tcp::stream, or a file.
///
///     template <byte_stream S>
///     task<> echo(S& peer) {
///       std::array<char, 4096> part;
///       while (const std::size_t got = co_await peer.read_some(part))
///         co_await peer.write_all(std::span(part).first(got));
///     }
template <class S>
concept byte_stream = readable<S> && writable<S>;

}  // namespace braid
