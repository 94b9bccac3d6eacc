#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "braid/base/pinned.hpp"
#include "braid/sim/choices.hpp"
#include "disk/file_content.hpp"

namespace braid::sim::detail {

// A file or a directory: what POSIX calls an inode. It has one name, or none after its removal.
struct node : pinned {
  node(std::uint64_t its_number, unsigned its_mode) : number(its_number), mode(its_mode) {}

  [[nodiscard]] bool is_directory() const noexcept { return S_ISDIR(mode); }

  const std::uint64_t number;
  unsigned mode;
  std::uint64_t made_by = 0;  // the number of the name change that made it
  node* parent = nullptr;     // null: its name was removed, or it is "/"
  std::string name;
  std::size_t opened = 0;  // how many open descriptions it has
  const void* locked_by = nullptr;  // the open description that has its lock
  file_content content;
  std::map<std::string, std::shared_ptr<node>, std::less<>> entries;
};

// The names, and the changes of names that are not durable yet. Changes reach the device in their order, as
// in a journal: a crash keeps the first n of them.
class directory_tree {
 public:
  // With more unsynced changes than this, the journal writes the oldest by itself, as a kernel's does.
  static constexpr std::size_t most_unsynced = std::size_t{1} << 14;

  directory_tree();
  ~directory_tree();

  // The target of a path: a name in a directory that exists.
  struct place {
    enum : std::uint8_t { entry, root, dot, dot_dot } kind = root;
    node* folder = nullptr;  // the directory of the entry; for other kinds the target itself
    std::string name;
    bool slash = false;  // the path ends in a slash
  };
  // Each returns 0 or the negative errno.
  static int check(std::string_view path) noexcept;  // called before any walk
  int walk(std::string_view path, place& found) const;
  // Null if there is no such name.
  int look_up(const place& at, std::shared_ptr<node>& found) const;
  // walk and look_up; -ENOENT if there is no such name.
  int find(std::string_view path, std::shared_ptr<node>& found) const;

  std::shared_ptr<node> make(const place& at, unsigned mode);
  void remove(const place& at);
  void move(const place& from, const place& to);

  [[nodiscard]] bool is_linked(const node& which) const noexcept {
    return which.parent != nullptr || &which == root_.get();
  }
  [[nodiscard]] static bool is_within(const node& which, const node& folder) noexcept;
  [[nodiscard]] std::string path_of(const node& which) const;
  [[nodiscard]] std::uint64_t links(const node& which) const noexcept;
  // All nodes, by number.
  [[nodiscard]] std::map<std::uint64_t, std::shared_ptr<node>> all() const;

  // True if the creation of its name is not durable yet.
  [[nodiscard]] bool is_new(const node& which) const noexcept { return which.made_by > durable_; }
  void sync() noexcept;
  void crash(choices& draws);

 private:
  struct edit {
    std::shared_ptr<node> folder;
    std::string name;
    std::shared_ptr<node> before, after;
  };
  // A change is durable as a whole or not at all.
  struct change {
    edit first;
    std::optional<edit> second{};
  };
  void perform(change made);
  static void set(const edit& which, const std::shared_ptr<node>& to);
  [[nodiscard]] std::shared_ptr<node> shared(const node& folder) const;

  std::uint64_t numbers_ = 1;
  std::shared_ptr<node> root_;
  std::deque<change> unsynced_;  // the oldest first
  std::uint64_t durable_ = 0;  // the number of durable changes
};

}  // namespace braid::sim::detail
