// SPDX-License-Identifier: Apache-2.0
//
// Field numbers of opentelemetry-proto (common/v1, resource/v1, trace/v1, collector/trace/v1), as
// far as we write them.
#pragma once

#include <protozero/types.hpp>

namespace tocsin::trace::field {

using Tag = protozero::pbf_tag_type;

inline constexpr Tag kRequestResourceSpans = 1;
inline constexpr Tag kResourceSpansResource = 1;
inline constexpr Tag kResourceSpansScopeSpans = 2;
inline constexpr Tag kResourceAttributes = 1;
inline constexpr Tag kScopeSpansScope = 1;
inline constexpr Tag kScopeSpansSpans = 2;
inline constexpr Tag kScopeName = 1;
inline constexpr Tag kScopeVersion = 2;

inline constexpr Tag kSpanTraceId = 1;
inline constexpr Tag kSpanId = 2;
inline constexpr Tag kSpanParentId = 4;
inline constexpr Tag kSpanName = 5;
inline constexpr Tag kSpanKind = 6;
inline constexpr Tag kSpanStart = 7;
inline constexpr Tag kSpanEnd = 8;
inline constexpr Tag kSpanAttributes = 9;
inline constexpr Tag kSpanEvents = 11;
inline constexpr Tag kSpanLinks = 13;
inline constexpr Tag kSpanStatus = 15;
inline constexpr Tag kEventTime = 1;
inline constexpr Tag kEventName = 2;
inline constexpr Tag kEventAttributes = 3;
inline constexpr Tag kLinkTraceId = 1;
inline constexpr Tag kLinkSpanId = 2;
inline constexpr Tag kStatusMessage = 2;
inline constexpr Tag kStatusCode = 3;

inline constexpr Tag kKeyValueKey = 1;
inline constexpr Tag kKeyValueValue = 2;
inline constexpr Tag kValueString = 1;
inline constexpr Tag kValueBool = 2;
inline constexpr Tag kValueInt = 3;
inline constexpr Tag kValueDouble = 4;

inline constexpr Tag kResponsePartialSuccess = 1;
inline constexpr Tag kPartialRejectedSpans = 1;
inline constexpr Tag kPartialMessage = 2;

}  // namespace tocsin::trace::field
