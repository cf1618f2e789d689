// SPDX-License-Identifier: Apache-2.0
//
// The sink that keeps verdicts and alerts in OpenSearch, or in Elasticsearch by the same API.
//
//   SinkBatch -> documents with ids -> _bulk, in bodies of bounded size -> durable
//                                        `-> busy: later; refused: told by item
//
// It has no positions and needs none: what comes again has the same ids in the same indices, so
// nothing is there twice, and an older writer can do no harm.
#pragma once

#include <memory>

#include "base/result.h"
#include "stages/store/sink.h"
#include "stages/store/sinks/opensearch/options.h"

namespace tocsin::store {

// Templates and policy are looked after before the first write: a server that is away is no error
// here.
// Threads: write(): one thread; cancel(): any.
// Errors:  kInvalid: options that cannot work. write(): kUnavailable: some of the batch is not
//          taken; the same batch again is right.
[[nodiscard]] Result<std::unique_ptr<Sink>> open_opensearch(const opensearch::Options& options);

}  // namespace tocsin::store
