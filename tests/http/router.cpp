#include "braid/http/router.hpp"

#include <stdexcept>
#include <string>

#include "braid/style/run.hpp"
#include "catch.hpp"

using namespace braid;

namespace {

http::handler says(std::string text) {
  return [text = std::move(text)](http::request& asked) -> task<http::response> {
    std::string all = text;
    for (const auto& [name, value] : asked.parameters) all += " " + name + "=" + value;
    co_return http::response(200, std::move(all));
  };
}

std::string answer(http::router& routes, std::string method, std::string target) {
  http::request asked(std::move(method), std::move(target));
  const http::response given = run(routes(asked));
  if (given.status == 200) return *given.body.whole();
  return std::to_string(given.status) + " " + std::string(given.headers.get("allow").value_or(""));
}

}  // namespace

TEST_CASE("http::router: finds the handler by method and path", "[http][router]") {
  http::router routes;
  routes.get("/", says("root"));
  routes.get("/jobs/{id}", says("job"));
  routes.get("/jobs/new", says("new"));
  routes.get("/jobs/{id}/log", says("log"));
  routes.get("/{kind}/new", says("any new"));
  routes.post("/jobs", says("add"));
  routes.erase("/jobs/{id}", says("erase"));
  routes.put("/jobs/{id}", says("put"));
  routes.patch("/jobs/{id}", says("patch"));
  for (const auto& [method, target, expected] : {
           std::tuple("GET", "/", "root"),
           {"GET", "/?a=/b", "root"},
           {"GET", "/jobs/7", "job id=7"},
           {"HEAD", "/jobs/7", "job id=7"},
           {"GET", "/jobs/7?x=y", "job id=7"},
           {"GET", "http://example.org/jobs/7?x=/y", "job id=7"},
           {"GET", "http://example.org", "root"},
           {"GET", "http://example.org?a", "root"},
           {"GET", "/jobs/new", "new"},
           {"GET", "/plans/new", "any new kind=plans"},
           {"GET", "/jobs/7/log", "log id=7"},
           {"DELETE", "/jobs/7", "erase id=7"},
           {"PUT", "/jobs/7", "put id=7"},
           {"PATCH", "/jobs/7", "patch id=7"},
           {"GET", "/jobs/a%20b%2Fc%C3%A4", "job id=a b/c\xC3\xA4"},
           {"GET", "/%6Aobs/7", "job id=7"},
           {"POST", "/jobs", "add"},
           {"GET", "/jobs", "405 POST, OPTIONS"},
           {"OPTIONS", "/jobs/7", "204 GET, DELETE, PUT, PATCH, HEAD, OPTIONS"},
           {"POST", "/jobs/7", "405 GET, DELETE, PUT, PATCH, HEAD, OPTIONS"},
           {"GET", "/other", "404 "},
           {"GET", "/jobs/", "404 "},
           {"GET", "//", "404 "},
           {"GET", "/jobs//log", "404 "},
           {"GET", "/jobs/.", "404 "},
           {"GET", "/jobs/..", "404 "},
           {"GET", "/jobs/%2e%2e", "404 "},
           {"GET", "/jobs/%2E", "404 "},
           {"GET", "/jobs/../jobs/7", "404 "},
           {"GET", "/jobs/%", "404 "},
           {"GET", "/jobs/%zz", "404 "},
           {"GET", "/jobs/a%00b", "404 "},
           {"GET", "*", "404 "},
       }) {
    CAPTURE(method, target);
    CHECK(answer(routes, method, target) == expected);
  }
}

TEST_CASE("http::router: refuses a pattern that is malformed or there already", "[http][router]") {
  http::router routes;
  routes.get("/jobs/{id}", says("job"));
  for (const char* each :
       {"", "jobs", "/jobs/", "//", "/a{b}", "/{}", "/{a", "/{a}/{a}", "/..", "/jobs/{id}", "/jobs/{name}"}) {
    CAPTURE(each);
    CHECK_THROWS_AS(routes.get(each, says("x")), std::invalid_argument);
  }
  CHECK_THROWS_AS(routes.add("G T", "/x", says("x")), std::invalid_argument);
  CHECK_THROWS_AS(routes.get("/x", http::handler()), std::invalid_argument);
}

TEST_CASE("http::headers: keeps fields in order, and lets no value add another", "[http][headers]") {
  http::headers fields{{"A", " 1 "}, {"b", "2"}, {"a", "3, close"}};
  CHECK(fields.size() == 3);
  CHECK(fields.get("a") == "1");
  CHECK(fields.count("A") == 2);
  CHECK(fields.lists("a", "CLOSE"));
  CHECK_FALSE(fields.lists("a", "clos"));
  fields.set("a", "4");
  CHECK(fields.count("a") == 1);
  CHECK(fields[1].value == "4");
  fields.set("c", *fields.get("a"));
  CHECK(fields.get("c") == "4");
  fields.add("d" + std::string(100, '-'), *fields.get("c"));  // a view into what grows
  CHECK(fields[3].value == "4");
  fields.remove(fields[3].name);
  fields.remove("B");
  CHECK_FALSE(fields.has("b"));
  std::string all;
  for (const auto& [name, value] : fields) all += std::string(name) + "=" + std::string(value) + " ";
  CHECK(all == "a=4 c=4 ");
  CHECK_THROWS_AS(fields.add("a b", "c"), std::invalid_argument);
  CHECK_THROWS_AS(fields.add("", "c"), std::invalid_argument);
  CHECK_THROWS_AS(fields.add("a", "b\r\nc: d"), std::invalid_argument);
  CHECK_THROWS_AS(fields.add("a", std::string("b\0c", 3)), std::invalid_argument);
  CHECK(fields.size() == 2);
  fields.clear();
  CHECK(fields.empty());
}
