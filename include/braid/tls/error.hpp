#pragma once

#include <system_error>
#include <type_traits>

namespace braid::tls {

/// Why TLS failed. What OpenSSL says beyond that stands in the error's message.
///
///     const auto page = co_await as_result(fetch("index"));
///     if (!page && page.error() == tls::errc::certificate_expired) log("tell the administrator");
enum class errc {
  failed = 1,                 ///< for a reason that has no name here; the message has OpenSSL's text
  truncated,                  ///< the connection ended without a close_notify: bytes may be missing
  handshake_timed_out,        ///< compares equal to std::errc::timed_out, too
  certificate_expired,        ///< of the peer, as the following
  certificate_not_yet_valid,  ///< its time has not begun
  certificate_untrusted,      ///< no chain leads to a trusted authority
  certificate_invalid,        ///< another reason, which the message names
  certificate_missing,        ///< the peer was asked for one and gave none
  wrong_host,                 ///< the certificate is for another host or address
  no_common_protocol,         ///< none of the application protocols (ALPN) is known to both
  no_common_version,          ///< nor is a version of TLS
  not_tls,                    ///< the peer speaks something else
  refused,                    ///< the peer ended it with an alert, which the message names
};

/// The category of errc, "tls".
///
///     const std::error_code code = tls::errc::wrong_host;
///     use(code.category() == tls::error_category(), code.message());
[[nodiscard]] const std::error_category& error_category() noexcept;
/// Makes an errc usable wherever a std::error_code is.
///
///     const std::error_code cut = tls::errc::truncated;  // calls make_error_code
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), error_category()};
}

}  // namespace braid::tls

template <>
struct std::is_error_code_enum<braid::tls::errc> : std::true_type {};
