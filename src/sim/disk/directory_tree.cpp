#include "disk/directory_tree.hpp"

#include <climits>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace braid::sim::detail {

directory_tree::directory_tree() : root_(std::make_shared<node>(++numbers_, S_IFDIR | 0755)) {}

// Destroys the leaves first, in a loop: recursion through the destructors would need stack for each level.
directory_tree::~directory_tree() {
  unsynced_.clear();
  for (node* at = root_.get(); at != nullptr;) {
    if (!at->entries.empty()) {
      at = at->entries.begin()->second.get();
      continue;
    }
    node* const folder = std::exchange(at->parent, nullptr);
    if (folder != nullptr) folder->entries.erase(folder->entries.begin());
    at = folder;
  }
}

int directory_tree::check(std::string_view path) noexcept {
  if (path.empty()) return -ENOENT;
  return path.size() >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int directory_tree::walk(std::string_view path, place& found) const {
  if (const int failed = check(path)) return failed;
  found = {place::root, root_.get(), {}, false};
  for (std::size_t at = path.find_first_not_of('/'); at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (found.kind == place::entry) {  // the previous name must be a directory on the way
      std::shared_ptr<node> next;
      if (const int failed = look_up(found, next)) return failed;
      if (next == nullptr) return -ENOENT;
      if (!next->is_directory()) return -ENOTDIR;
      found.folder = next.get();
    }
    const std::string_view name = path.substr(at, end - at);
    found.kind = name == "." ? place::dot : name == ".." ? place::dot_dot : place::entry;
    if (found.kind == place::dot_dot && found.folder->parent != nullptr) found.folder = found.folder->parent;
    found.name = name;
    found.slash = end < path.size();
    at = std::min(path.find_first_not_of('/', end), path.size());
  }
  return 0;
}

int directory_tree::look_up(const place& at, std::shared_ptr<node>& found) const {
  found = nullptr;
  if (at.kind != place::entry) {
    found = shared(*at.folder);
    return 0;
  }
  if (at.name.size() > NAME_MAX) return -ENAMETOOLONG;
  const auto entry = at.folder->entries.find(at.name);
  if (entry != at.folder->entries.end()) found = entry->second;
  return 0;
}

int directory_tree::find(std::string_view path, std::shared_ptr<node>& found) const {
  place at;
  if (const int failed = walk(path, at)) return failed;
  if (const int failed = look_up(at, found)) return failed;
  if (found == nullptr) return -ENOENT;
  return at.slash && !found->is_directory() ? -ENOTDIR : 0;
}

std::shared_ptr<node> directory_tree::shared(const node& folder) const {
  if (&folder == root_.get()) return root_;
  return folder.parent->entries.find(folder.name)->second;
}

// ---- changes --------------------------------------------------------------------------------------------

std::shared_ptr<node> directory_tree::make(const place& at, unsigned mode) {
  auto made = std::make_shared<node>(++numbers_, mode);
  made->made_by = durable_ + unsynced_.size() + 1;
  perform({{shared(*at.folder), at.name, nullptr, made}});
  return made;
}

void directory_tree::remove(const place& at) {
  perform({{shared(*at.folder), at.name, at.folder->entries.find(at.name)->second, nullptr}});
}

void directory_tree::move(const place& from, const place& to) {
  const std::shared_ptr<node> moved = from.folder->entries.find(from.name)->second;
  const auto replaced = to.folder->entries.find(to.name);
  edit insertion{shared(*to.folder), to.name,
                 replaced == to.folder->entries.end() ? nullptr : replaced->second, moved};
  perform({{shared(*from.folder), from.name, moved, nullptr}, std::move(insertion)});
}

void directory_tree::perform(change made) {
  set(made.first, made.first.after);
  if (made.second) set(*made.second, made.second->after);
  unsynced_.push_back(std::move(made));
  if (unsynced_.size() <= most_unsynced) return;
  unsynced_.pop_front();
  ++durable_;
}

// Sets the entry to `to`; the node it was before loses its name.
void directory_tree::set(const edit& which, const std::shared_ptr<node>& to) {
  auto& entries = which.folder->entries;
  if (const auto was = entries.find(which.name); was != entries.end()) {
    was->second->parent = nullptr;
    entries.erase(was);
  }
  if (to == nullptr) return;
  to->parent = which.folder.get();
  to->name = which.name;
  entries.emplace(which.name, to);
}

void directory_tree::sync() noexcept {
  durable_ += unsynced_.size();
  unsynced_.clear();
}

void directory_tree::crash(choices& draws) {
  // The draw 0 keeps every change, so that the first of all paths is the one that loses nothing.
  const std::size_t kept = unsynced_.size() - draws.among(unsynced_.size() + 1);
  while (unsynced_.size() > kept) {
    const change& last = unsynced_.back();
    if (last.second) set(*last.second, last.second->before);
    set(last.first, last.first.before);
    unsynced_.pop_back();
  }
  sync();
}

// ---- what there is --------------------------------------------------------------------------------------

bool directory_tree::is_within(const node& which, const node& folder) noexcept {
  for (const node* at = &which; at != nullptr; at = at->parent)
    if (at == &folder) return true;
  return false;
}

std::string directory_tree::path_of(const node& which) const {
  if (!is_linked(which)) return "/" + which.name + " (deleted)";
  std::string path;
  for (const node* at = &which; at->parent != nullptr; at = at->parent) path.insert(0, "/" + at->name);
  return path.empty() ? "/" : path;
}

std::uint64_t directory_tree::links(const node& which) const noexcept {
  if (!is_linked(which)) return 0;
  if (!which.is_directory()) return 1;
  return 2 + static_cast<std::uint64_t>(std::ranges::count_if(
                 which.entries, [](const auto& each) { return each.second->is_directory(); }));
}

std::map<std::uint64_t, std::shared_ptr<node>> directory_tree::all() const {
  std::map<std::uint64_t, std::shared_ptr<node>> found;
  std::vector<std::shared_ptr<node>> left{root_};
  while (!left.empty()) {
    const std::shared_ptr<node> one = std::move(left.back());
    left.pop_back();
    found.emplace(one->number, one);
    for (const auto& [name, each] : one->entries) left.push_back(each);
  }
  return found;
}

}  // namespace braid::sim::detail
