#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace stage {

/// A temporary folder; the destructor removes it with its contents.
class temporary_folder {
 public:
  explicit temporary_folder(const std::filesystem::path& within = std::filesystem::temp_directory_path()) {
    std::string name = (within / "braid.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
    path_ = name;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code nobody_to_tell;
    std::filesystem::remove_all(path_, nobody_to_tell);
  }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace stage
