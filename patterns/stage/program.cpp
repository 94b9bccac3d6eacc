#include "stage/program.hpp"

#include <charconv>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <range/v3/algorithm/find.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/transform.hpp>

namespace stage {
namespace {

// Of "500ms", "2s" or "500"; what is wrong with another text.
std::string read_time(std::string_view text, std::chrono::milliseconds& into) {
  int count = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, text.data() + text.size());
  const int longest = unit == "s" ? 60 : 60'000;
  if (failed != std::errc() || count < 0 || count > longest || (unit != "s" && unit != "ms" && !unit.empty()))
    return fmt::format("{} is no time from 0 to 60s, such as 500ms", text);
  into = unit == "s" ? std::chrono::seconds(count) : std::chrono::milliseconds(count);
  return {};
}

}  // namespace

choice of_styles() {
  return {"style", every_style | ranges::views::transform(name_of) | ranges::to<std::vector<std::string>>()};
}

program::program(std::string name, std::string about, choice from)
    : name_(std::move(name)),
      from_(std::move(from)),
      app_(std::make_unique<CLI::App>(std::move(about), name_)) {
  app_->add_option("--" + from_.name, asked_, "run this " + from_.name + " only; may be repeated")
      ->check(CLI::IsMember(from_.values))
      ->take_all();
  app_->add_flag("--list", list_, "list the " + from_.name + "s");
}
program::~program() = default;

void program::option(const std::string& name, std::string& value, const std::string& about) {
  app_->add_option(name, value, about)->capture_default_str();
}

void program::option(const std::string& name, std::chrono::milliseconds& value,
                     const std::string& about) {
  app_->add_option_function<std::string>(
          name, [&value](const std::string& text) { (void)read_time(text, value); }, about)
      ->check(CLI::Validator(
          [](const std::string& text) {
            std::chrono::milliseconds read;
            return read_time(text, read);
          },
          "TIME"))
      ->default_str(std::to_string(value.count()) + "ms");
}

void program::flag(const std::string& name, bool& value, const std::string& about) {
  app_->add_flag(name, value, about);
}

int program::run_chosen(int argc, char** argv,
                        const std::function<void(std::span<const std::string>)>& show) try {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app_->exit(help);
  } catch (const CLI::ParseError& wrong) {
    fmt::print(stderr, "{}: {}\n{}", name_, wrong.what(), app_->help());
    return 2;
  }
  if (list_) {
    for (const std::string& each : from_.values) fmt::print("{}\n", each);
    return 0;
  }
  const auto wanted = [this](const std::string& each) {
    return asked_.empty() || ranges::find(asked_, each) != asked_.end();
  };
  show(from_.values | ranges::views::filter(wanted) | ranges::to<std::vector>());
  return 0;
} catch (const std::exception& failure) {
  fmt::print(stderr, "{}: {}\n", name_, failure.what());
  return 1;
}

int program::run(int argc, char** argv, const std::function<void(std::span<const style>)>& show) {
  return run_chosen(argc, argv, [&show](std::span<const std::string> names) {
    const auto wanted = [names](style each) { return ranges::find(names, name_of(each)) != names.end(); };
    show(every_style | ranges::views::filter(wanted) | ranges::to<std::vector>());
  });
}

}  // namespace stage
