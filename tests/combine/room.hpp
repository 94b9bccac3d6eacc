#pragma once

#include <algorithm>

namespace braid_tests {

/// Counts the operations inside.
struct room {
  int inside = 0, most = 0, total = 0;
  struct guest {
    room& in;
    explicit guest(room& r) : in(r) {
      ++in.total;
      in.most = std::max(in.most, ++in.inside);
    }
    guest(const guest&) = delete;
    guest& operator=(const guest&) = delete;
    ~guest() { --in.inside; }
  };
};

}  // namespace braid_tests
