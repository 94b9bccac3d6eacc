#pragma once

namespace braid {

/// A base that forbids copying and moving, because other objects hold the object's address.
struct pinned {
  pinned() = default;
  pinned(pinned&&) = delete;
  pinned& operator=(pinned&&) = delete;

 protected:
  ~pinned() = default;
};

}  // namespace braid
