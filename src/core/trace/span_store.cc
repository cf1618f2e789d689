// SPDX-License-Identifier: Apache-2.0
#include "core/trace/span_store.h"

#include <algorithm>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <utility>

#include "base/sqlite.h"
#include "core/trace/exporter.h"
#include "core/trace/otlp.h"
#include "core/trace/otlp_fields.h"

namespace tocsin::trace {
namespace {

constexpr std::size_t kDepthMax = 256;

constexpr int kSchemaVersion = 1;
// A rowid table with a small index grows at its end; clustering by random trace ids would touch a
// page for every span. `otlp` is the whole span as an OTLP message, the columns beside it are for
// people with sqlite3.
constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS spans("
    "  trace_id BLOB NOT NULL, span_id BLOB NOT NULL, service TEXT NOT NULL, name TEXT NOT NULL,"
    "  start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, otlp BLOB NOT NULL);"
    "CREATE UNIQUE INDEX IF NOT EXISTS spans_by_trace ON spans(trace_id, span_id);";

template <std::size_t N>
std::string_view bytes_of(const std::array<std::uint8_t, N>& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

// What the columns hold; views into the message.
struct SpanKey {
  std::string_view trace, id, name;
  UnixNanos start = 0;
  UnixNanos end = 0;
};

SpanKey read_key(std::string_view otlp) {
  SpanKey key;
  protozero::pbf_reader span(otlp.data(), otlp.size());
  const auto view = [&span] {
    const auto bytes = span.get_view();
    return std::string_view(bytes.data(), bytes.size());
  };
  while (span.next()) {
    switch (span.tag()) {
      case field::kSpanTraceId:
        key.trace = view();
        break;
      case field::kSpanId:
        key.id = view();
        break;
      case field::kSpanName:
        key.name = view();
        break;
      case field::kSpanStart:
        key.start = static_cast<UnixNanos>(span.get_fixed64());
        break;
      case field::kSpanEnd:
        key.end = static_cast<UnixNanos>(span.get_fixed64());
        break;
      default:
        span.skip();
    }
  }
  return key;
}

class StoreExporter final : public Exporter {
 public:
  StoreExporter(std::string path, std::vector<std::string> services, sqlite::Database db,
                sqlite::Statement insert)
      : path_(std::move(path)),
        services_(std::move(services)),
        db_(std::move(db)),
        insert_(std::move(insert)) {}

  void encode(ChunkRefs chunks) override { chunks_ = chunks; }

  Outcome send() override {
    Status written = write();
    if (written) return {};
    // Busy and full pass; a corrupt file does not.
    const bool passes = written.error().code == ErrorCode::kUnavailable ||
                        written.error().code == ErrorCode::kExhausted;
    return {.kind = passes ? Outcome::Kind::kRetry : Outcome::Kind::kRefused,
            .reason = std::move(written).error().message};
  }

  const std::string& describe() const override { return path_; }

 private:
  Status write() {
    TOCSIN_TRY(auto transaction, sqlite::Transaction::begin(db_));
    Status failed;
    for (const auto& chunk : chunks_)
      for_each_span(*chunk, [&](std::string_view otlp) {
        if (failed) failed = insert(otlp, services_[chunk->resource]);
      });
    TOCSIN_TRY_STATUS(failed);
    return transaction.commit();
  }

  Status insert(std::string_view otlp, std::string_view service) {
    const SpanKey key = read_key(otlp);
    return insert_.bind_blob(1, key.trace)
        .bind_blob(2, key.id)
        .bind(3, service)
        .bind(4, key.name)
        .bind(5, key.start)
        .bind(6, key.end)
        .bind_blob(7, otlp)
        .run();
  }

  const std::string path_;
  const std::vector<std::string> services_;  // by SpanChunk::resource
  sqlite::Database db_;
  sqlite::Statement insert_;
  ChunkRefs chunks_;
};

Result<sqlite::Database> open_to_read(const std::string& path) {
  TOCSIN_TRY(auto db, sqlite::Database::open(path, sqlite::Mode::kRead));
  TOCSIN_TRY_STATUS(db.adopt_schema(kSchemaVersion, kSchema));
  return db;
}

}  // namespace

Result<std::unique_ptr<Exporter>> open_store_exporter(const std::string& path,
                                                      const std::vector<Resource>& resources) {
  TOCSIN_TRY(auto db, sqlite::Database::open(path, sqlite::Mode::kWrite));
  TOCSIN_TRY_STATUS(db.adopt_schema(kSchemaVersion, kSchema));
  TOCSIN_TRY(auto insert,
             db.prepare("INSERT OR REPLACE INTO spans(trace_id, span_id, service, name, start_ns,"
                        " end_ns, otlp) VALUES(?,?,?,?,?,?,?)"));
  std::vector<std::string> services;
  for (const Resource& resource : resources) services.push_back(resource.service());
  return std::make_unique<StoreExporter>(path, std::move(services), std::move(db),
                                         std::move(insert));
}

void order_by_start(std::vector<StoredSpan>& spans) {
  std::map<std::pair<TraceId, SpanId>, const StoredSpan*> by_id;
  for (const StoredSpan& span : spans) by_id.emplace(std::pair(span.trace, span.id), &span);
  const auto depth_of = [&](const StoredSpan& span) {
    std::size_t depth = 0;
    auto parent = by_id.find({span.trace, span.parent});
    // Parents may form a ring, in hostile spans.
    while (parent != by_id.end() && depth < kDepthMax) {
      ++depth;
      parent = by_id.find({span.trace, parent->second->parent});
    }
    return depth;
  };
  std::vector<std::pair<std::size_t, std::size_t>> order;  // depth, place in `spans`
  for (const StoredSpan& span : spans) order.emplace_back(depth_of(span), order.size());
  std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    return std::pair(spans[a.second].start, a.first) < std::pair(spans[b.second].start, b.first);
  });
  std::vector<StoredSpan> out;
  out.reserve(spans.size());
  for (const auto& [depth, place] : order) out.push_back(std::move(spans[place]));
  spans = std::move(out);
}

Result<std::vector<std::vector<StoredSpan>>> read_traces(const std::string& path,
                                                         const std::vector<TraceId>& traces) {
  TOCSIN_TRY(auto db, open_to_read(path));
  TOCSIN_TRY(auto query, db.prepare("SELECT service, otlp FROM spans WHERE trace_id = ?"));
  std::vector<std::vector<StoredSpan>> out;
  for (const TraceId& trace : traces) {
    std::vector<StoredSpan>& spans = out.emplace_back();
    query.bind_blob(1, bytes_of(trace));
    while (true) {
      TOCSIN_TRY(const bool row, query.step());
      if (!row) break;
      std::optional<Span> span = parse_span(query.blob(1));
      if (!span) return fail(ErrorCode::kCorrupt, path + ": holds a span that cannot be read");
      spans.push_back({*std::move(span), std::string(query.text(0))});
    }
    order_by_start(spans);
  }
  return out;
}

Result<std::vector<StoredSpan>> read_trace(const std::string& path, const TraceId& trace) {
  TOCSIN_TRY(auto found, read_traces(path, {trace}));
  return std::move(found.front());
}

Result<std::vector<TraceId>> find_traces(const std::string& path, std::string_view prefix,
                                         std::size_t limit) {
  TraceId low{};
  TraceId high;
  high.fill(0xff);
  const std::string first =
      std::string(prefix) + std::string(32 - std::min<std::size_t>(32, prefix.size()), '0');
  const std::string last =
      std::string(prefix) + std::string(32 - std::min<std::size_t>(32, prefix.size()), 'f');
  if (prefix.empty() || !decode_hex(first, low.data(), low.size()) ||
      !decode_hex(last, high.data(), high.size()))
    return fail(ErrorCode::kInvalid,
                "'" + std::string(prefix) + "' is not the start of a trace id");
  TOCSIN_TRY(auto db, open_to_read(path));
  TOCSIN_TRY(auto query, db.prepare("SELECT DISTINCT trace_id FROM spans"
                                    " WHERE trace_id BETWEEN ? AND ? ORDER BY trace_id LIMIT ?"));
  query.bind_blob(1, bytes_of(low))
      .bind_blob(2, bytes_of(high))
      .bind(3, static_cast<std::int64_t>(limit));
  std::vector<TraceId> found;
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) break;
    const std::string_view bytes = query.blob(0);
    if (bytes.size() == low.size())
      std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(found.emplace_back().data()));
  }
  return found;
}

namespace {

Status visit_rows(sqlite::Statement& query, const std::function<void(const SpanTimes&)>& visit) {
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return {};
    SpanTimes times;
    const std::string_view id = query.blob(0);
    if (id.size() != times.trace.size()) continue;
    std::copy(id.begin(), id.end(), reinterpret_cast<char*>(times.trace.data()));
    times.service = query.text(1);
    times.name = query.text(2);
    times.start = query.integer(3);
    times.end = query.integer(4);
    visit(times);
  }
}

}  // namespace

Status visit_times(const std::string& path, UnixNanos since,
                   const std::function<void(const SpanTimes&)>& visit) {
  TOCSIN_TRY(auto db, open_to_read(path));
  TOCSIN_TRY(auto query, db.prepare("SELECT trace_id, service, name, start_ns, end_ns FROM spans"
                                    " WHERE start_ns >= ?"));
  query.bind(1, since);
  return visit_rows(query, visit);
}

Status visit_latest(const std::string& path, std::size_t spans_max,
                    const std::function<void(const SpanTimes&)>& visit) {
  TOCSIN_TRY(auto db, open_to_read(path));
  TOCSIN_TRY(auto query, db.prepare("SELECT trace_id, service, name, start_ns, end_ns FROM spans"
                                    " ORDER BY rowid DESC LIMIT ?"));
  query.bind(1, static_cast<std::int64_t>(spans_max));
  return visit_rows(query, visit);
}

}  // namespace tocsin::trace
