#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include <braid/net/endpoint.hpp>
#include <braid/style/task.hpp>

#include "stage/line_service.hpp"
#include "stage/story.hpp"

namespace promise_all {

/// The duration of each of the four steps.
struct durations {
  std::chrono::milliseconds read{50}, query{30}, parse{5}, send{10};
};

/// The four steps of a report: read its form from a file, query its numbers, parse both, send the report.
///
/// Lifetime  outlives its steps; so does the story, which records when each begins and ends.
class report_desk {
 public:
  report_desk(braid::endpoint service, std::filesystem::path form, durations lasting, stage::story& told)
      : service_(service), form_(std::move(form)), lasting_(lasting), told_(&told) {}

  [[nodiscard]] braid::task<std::string> read() const;
  [[nodiscard]] braid::task<std::string> query() const;
  [[nodiscard]] braid::task<std::string> parse(std::string form, std::string numbers) const;
  [[nodiscard]] braid::task<std::string> send(std::string report) const;  ///< the receipt

 private:
  const braid::endpoint service_;
  const std::filesystem::path form_;
  const durations lasting_;
  stage::story* const told_;
};

/// The service that answers the desk's queries and takes its reports.
[[nodiscard]] stage::line_service open_archive(durations lasting);

}  // namespace promise_all
