#include "settings.hpp"

#include <sstream>
#include <stdexcept>

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/transform.hpp>

#include <braid/fs/whole_file.hpp>

namespace error_boundaries {

settings parse(const std::string& text) {
  std::istringstream from(text);
  std::string key;
  settings read;
  if (!(from >> key >> read.colour) || key != "colour")
    throw std::invalid_argument("these settings have no colour: " + text);
  return read;
}

std::vector<braid::task<std::string>> places::read_each() const {
  return files_ | ranges::views::transform(braid::read_file) | ranges::to<std::vector>();
}

}  // namespace error_boundaries
