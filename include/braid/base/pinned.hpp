#pragma once

namespace braid {

/// A base that forbids copying and moving, because other objects hold the object's address.
///
///     struct registry : pinned {  // its entries point back to it
///       std::vector<job> jobs;
///     };
struct pinned {
  pinned() = default;
  pinned(pinned&&) = delete;
  pinned& operator=(pinned&&) = delete;

 protected:
  ~pinned() = default;
};

}  // namespace braid
