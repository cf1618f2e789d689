// SPDX-License-Identifier: Apache-2.0
#include "app/console/routes/routes.h"

namespace tocsin::console {

void add_routes(Router& router, const Context& context) {
  add_session_routes(router, context);
  add_overview_routes(router, context);
  add_alert_routes(router, context);
  add_triage_routes(router, context);
  add_attack_routes(router, context);
  add_topic_routes(router, context);
  add_pipeline_routes(router, context);
  add_dead_letter_routes(router, context);
  add_rule_routes(router, context);
  add_trace_routes(router, context);
  add_audit_routes(router, context);
  add_live_routes(router, context);
}

}  // namespace tocsin::console
