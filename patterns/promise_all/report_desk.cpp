#include "report_desk.hpp"

#include <cstdlib>

#include <braid/combine/when_all.hpp>
#include <braid/fs/whole_file.hpp>
#include <braid/schedule/sleep.hpp>

using namespace braid;

namespace promise_all {

// A read from the page cache takes microseconds; this delay stands for the disk of the example.
task<std::string> report_desk::read() const {
  told_->tell("read..");
  auto [form, waited] = co_await when_all(read_file(form_), sleep_for(lasting_.read));
  told_->tell("read");
  co_return std::move(form);
}

task<std::string> report_desk::query() const {
  told_->tell("query..");
  std::string numbers = co_await stage::ask(service_, "query");
  told_->tell("query");
  co_return numbers;
}

task<std::string> report_desk::parse(std::string form, std::string numbers) const {
  co_await sleep_for(lasting_.parse);
  const std::string hole = "{}";
  const std::size_t at = form.find(hole);
  if (at == std::string::npos) throw std::invalid_argument("the form has no place for the numbers");
  told_->tell("parse");
  co_return form.replace(at, hole.size(), numbers);
}

task<std::string> report_desk::send(std::string report) const {
  std::string receipt = co_await stage::ask(service_, "send " + report);
  told_->tell("send");
  co_return receipt;
}

stage::line_service open_archive(durations lasting) {
  return stage::line_service([lasting](std::string line) -> task<std::string> {
    if (line == "query") {
      co_await sleep_for(lasting.query);
      co_return "1200";
    }
    if (!line.starts_with("send ")) throw stage::refused("neither query nor report: " + line);
    co_await sleep_for(lasting.send);
    co_return "got: " + line.substr(5);
  });
}

}  // namespace promise_all
