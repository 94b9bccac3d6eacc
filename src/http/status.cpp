#include "braid/http/status.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace braid::http {

namespace {

struct known_status {
  int code;
  std::string_view reason;
};
// RFC 9110, section 15, and RFC 6585.
constexpr std::array statuses{
    known_status{100, "Continue"},
    known_status{101, "Switching Protocols"},
    known_status{103, "Early Hints"},
    known_status{200, "OK"},
    known_status{201, "Created"},
    known_status{202, "Accepted"},
    known_status{203, "Non-Authoritative Information"},
    known_status{204, "No Content"},
    known_status{205, "Reset Content"},
    known_status{206, "Partial Content"},
    known_status{300, "Multiple Choices"},
    known_status{301, "Moved Permanently"},
    known_status{302, "Found"},
    known_status{303, "See Other"},
    known_status{304, "Not Modified"},
    known_status{307, "Temporary Redirect"},
    known_status{308, "Permanent Redirect"},
    known_status{400, "Bad Request"},
    known_status{401, "Unauthorized"},
    known_status{402, "Payment Required"},
    known_status{403, "Forbidden"},
    known_status{404, "Not Found"},
    known_status{405, "Method Not Allowed"},
    known_status{406, "Not Acceptable"},
    known_status{407, "Proxy Authentication Required"},
    known_status{408, "Request Timeout"},
    known_status{409, "Conflict"},
    known_status{410, "Gone"},
    known_status{411, "Length Required"},
    known_status{412, "Precondition Failed"},
    known_status{413, "Content Too Large"},
    known_status{414, "URI Too Long"},
    known_status{415, "Unsupported Media Type"},
    known_status{416, "Range Not Satisfiable"},
    known_status{417, "Expectation Failed"},
    known_status{421, "Misdirected Request"},
    known_status{422, "Unprocessable Content"},
    known_status{425, "Too Early"},
    known_status{426, "Upgrade Required"},
    known_status{428, "Precondition Required"},
    known_status{429, "Too Many Requests"},
    known_status{431, "Request Header Fields Too Large"},
    known_status{451, "Unavailable For Legal Reasons"},
    known_status{500, "Internal Server Error"},
    known_status{501, "Not Implemented"},
    known_status{502, "Bad Gateway"},
    known_status{503, "Service Unavailable"},
    known_status{504, "Gateway Timeout"},
    known_status{505, "HTTP Version Not Supported"},
    known_status{507, "Insufficient Storage"},
    known_status{511, "Network Authentication Required"},
};

class category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "braid-http"; }
  [[nodiscard]] std::string message(int code) const override {
    const std::string_view reason = reason_of(code);
    return std::to_string(code) + (reason.empty() ? "" : " ") + std::string(reason);
  }
};

}  // namespace

std::string_view reason_of(int status) noexcept {
  if (status == 200) return "OK";
  const auto found = std::lower_bound(statuses.begin(), statuses.end(), status,
                                      [](const known_status& one, int code) { return one.code < code; });
  return found != statuses.end() && found->code == status ? found->reason : std::string_view();
}

const std::error_category& status_category() noexcept {
  static const category one;
  return one;
}

error status_error(int status, std::string why) {
  return error(std::error_code(status, status_category()), "http", std::move(why));
}

}  // namespace braid::http
