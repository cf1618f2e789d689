// SPDX-License-Identifier: Apache-2.0
//
// The routes of the API, one file for each group of them. openapi.json describes all; a test holds
// the two together.
//
//   add_routes(router, context) -> Router
#pragma once

#include "app/console/context.h"
#include "app/console/http/router.h"

namespace tocsin::console {

// The context must outlive the router.
void add_routes(Router& router, const Context& context);

void add_alert_routes(Router& router, const Context& context);
void add_attack_routes(Router& router, const Context& context);
void add_audit_routes(Router& router, const Context& context);
void add_live_routes(Router& router, const Context& context);
void add_overview_routes(Router& router, const Context& context);
void add_session_routes(Router& router, const Context& context);
void add_topic_routes(Router& router, const Context& context);
void add_pipeline_routes(Router& router, const Context& context);
void add_dead_letter_routes(Router& router, const Context& context);
void add_rule_routes(Router& router, const Context& context);
void add_trace_routes(Router& router, const Context& context);
void add_triage_routes(Router& router, const Context& context);

}  // namespace tocsin::console
