#pragma once

#include <cstdint>
#include <string>

namespace braid::postgres::detail {

// The OIDs of the types that have a C++ type here, from PostgreSQL's pg_type.dat.
namespace oid {
inline constexpr unsigned boolean = 16, bytea = 17, name = 19, int8 = 20, int2 = 21, int4 = 23, text = 25,
                          oid = 26, json = 114, float4 = 700, float8 = 701, unknown = 705, bpchar = 1042,
                          varchar = 1043, date = 1082, timestamp = 1114, timestamptz = 1184, numeric = 1700,
                          uuid = 2950, jsonb = 3802;
}  // namespace oid

// "int4", or "type 4711".
[[nodiscard]] std::string type_name(unsigned type);
// The type of an array's elements; 0 if it is no array, or one that is unknown here.
[[nodiscard]] unsigned element_type(unsigned array) noexcept;

}  // namespace braid::postgres::detail
