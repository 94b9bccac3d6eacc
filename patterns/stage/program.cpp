#include "stage/program.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <range/v3/algorithm/find.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/transform.hpp>

namespace stage {

program::program(std::string name, std::string about)
    : name_(std::move(name)), app_(std::make_unique<CLI::App>(std::move(about), name_)) {
  const auto names = every_style | ranges::views::transform(name_of) |
                     ranges::to<std::vector<std::string>>();
  app_->add_option("--style", asked_, "run this style only; may be repeated")
      ->check(CLI::IsMember(names))
      ->take_all();
  app_->add_flag("--list", list_, "list the styles");
}
program::~program() = default;

void program::option(const std::string& name, std::string& value, const std::string& about) {
  app_->add_option(name, value, about)->capture_default_str();
}

void program::option(const std::string& name, std::chrono::milliseconds& value,
                     const std::string& about) {
  app_->add_option_function<int>(
          name, [&value](int ms) { value = std::chrono::milliseconds(ms); },
          about + ", in ms")
      ->check(CLI::Range(0, 60'000))
      ->default_str(std::to_string(value.count()));
}

int program::run(int argc, char** argv,
                 const std::function<void(std::span<const style>)>& show) try {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app_->exit(help);
  } catch (const CLI::ParseError& wrong) {
    fmt::print(stderr, "{}: {}\n{}", name_, wrong.what(), app_->help());
    return 2;
  }
  if (list_) {
    for (style each : every_style) fmt::print("{}\n", name_of(each));
    return 0;
  }
  const auto wanted = [this](style each) {
    return asked_.empty() || ranges::find(asked_, name_of(each)) != asked_.end();
  };
  show(every_style | ranges::views::filter(wanted) | ranges::to<std::vector>());
  return 0;
} catch (const std::exception& failure) {
  fmt::print(stderr, "{}: {}\n", name_, failure.what());
  return 1;
}

}  // namespace stage
