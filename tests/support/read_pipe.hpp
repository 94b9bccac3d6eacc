#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include "braid/fs/file.hpp"
#include "descriptors.hpp"

namespace braid_tests {

/// A pipe with a file as its reading end.
struct read_pipe {
  explicit read_pipe(int flags = 0)
      : ends(flags), reader(braid::file::from_descriptor(ends.release_reader())) {}
  void write(std::string_view text) {
    if (::write(ends.writer(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("write");
  }
  // Returns what is still in the pipe: no read has taken it.
  std::string rest() {
    ::fcntl(reader.number(), F_SETFL, O_NONBLOCK);
    std::array<char, 64> room;
    const ssize_t got = ::read(reader.number(), room.data(), room.size());
    return got < 0 ? std::string() : std::string(room.data(), static_cast<std::size_t>(got));
  }
  pipe_ends ends;
  braid::file reader;
};

}  // namespace braid_tests
