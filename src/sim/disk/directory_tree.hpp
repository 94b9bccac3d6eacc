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

// A file or a directory: what POSIX calls an inode. It has one name, or none any more.
struct node : pinned {
  node(std::uint64_t its_number, unsigned its_mode) : number(its_number), mode(its_mode) {}

  [[nodiscard]] bool is_directory() const noexcept { return S_ISDIR(mode); }

  const std::uint64_t number;
  const unsigned mode;
  std::uint64_t made_by = 0;  // which name change
  node* parent = nullptr;     // none: its name was removed, or it is "/"
  std::string name;
  std::size_t opened = 0;  // descriptions of it
  file_content content;
  std::map<std::string, std::shared_ptr<node>, std::less<>> entries;
};

// Names, and those of their changes that are not durable yet. The changes reach the device in their order, as
// those of a journal do: a crash keeps the first so and so many.
class directory_tree {
 public:
  // As a kernel's that has too many of them, the journal writes the oldest of itself.
  static constexpr std::size_t most_unsynced = std::size_t{1} << 14;

  directory_tree();
  ~directory_tree();

  // Where a path leads: to a name in a directory that exists.
  struct place {
    enum : std::uint8_t { entry, root, dot, dot_dot } kind = root;
    node* folder = nullptr;  // the one that is meant itself, but for entry
    std::string name;
    bool slash = false;  // after the name
  };
  // Each gives 0, or minus the errno.
  static int check(std::string_view path) noexcept;  // before any is gone along
  int walk(std::string_view path, place& found) const;
  // Null where there is no such name.
  int look_up(const place& at, std::shared_ptr<node>& found) const;
  // Both at once: what there must be.
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
  // By number, in their order.
  [[nodiscard]] std::map<std::uint64_t, std::shared_ptr<node>> all() const;

  // The making of its name is not durable yet.
  [[nodiscard]] bool is_new(const node& which) const noexcept { return which.made_by > durable_; }
  void sync() noexcept;
  void crash(choices& draws);

 private:
  struct edit {
    std::shared_ptr<node> folder;
    std::string name;
    std::shared_ptr<node> before, after;
  };
  // All of it is durable, or nothing.
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
  std::uint64_t durable_ = 0;  // changes that are
};

}  // namespace braid::sim::detail
