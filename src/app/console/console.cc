// SPDX-License-Identifier: Apache-2.0
#include "app/console/console.h"

#include <optional>
#include <utility>

#include "app/console/context.h"
#include "app/console/http/dispatcher.h"
#include "app/console/routes/routes.h"
#include "app/console/web/bundle.h"

namespace tocsin::console {

// In the order in which they depend on each other; the server goes first.
struct Console::Parts {
  Parts(Options given, bus::Bus& bus, std::unique_ptr<store::search::Triage> opened_triage,
        std::unique_ptr<store::search::Archive> opened_archive)
      : options(std::move(given)),
        triage(std::move(opened_triage)),
        archive(std::move(opened_archive)),
        guard(options.guard),
        watch(bus, options.sample_every),
        rules(options.rules, options.watched),
        letters(bus, options.dead_letter_topic),
        traces(options.spans, options.jaeger),
        live(bus, options.alerts_topic, *archive) {
    if (!options.overrides.empty()) overrides.emplace(options.overrides);
    context.emplace(Context{options, bus, guard, watch, rules, letters, *archive, *triage, live,
                            traces, overrides ? &*overrides : nullptr});
    add_routes(router, *context);
    dispatcher.emplace(router, guard,
                       [](const Call& call) { return serve_bundle(call, web_files()); });
  }

  const Options options;
  std::unique_ptr<store::search::Triage> triage;
  std::unique_ptr<store::search::Archive> archive;
  Guard guard;
  BusWatch watch;
  RuleDesk rules;
  LetterTally letters;
  Traces traces;
  LiveFeed live;
  std::optional<OverridesFile> overrides;
  std::optional<Context> context;
  Router router;
  std::optional<Dispatcher> dispatcher;
  std::unique_ptr<Server> server;
};

Console::Console(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Console::~Console() = default;

Result<std::unique_ptr<Console>> Console::open(Options options, bus::Bus& bus) {
  // The writer first: it makes the database, or brings an old one up to date.
  TOCSIN_TRY(auto triage, store::search::Triage::open(options.database));
  TOCSIN_TRY(auto archive, store::search::Archive::open(options.database));
  auto parts =
      std::make_unique<Parts>(std::move(options), bus, std::move(triage), std::move(archive));
  TOCSIN_TRY(parts->server, Server::open(parts->options.server, [p = parts.get()](Call& call) {
               return p->dispatcher->serve(call);
             }));
  return std::unique_ptr<Console>(new Console(std::move(parts)));
}

const std::string& Console::url() const { return parts_->server->url(); }
const Router& Console::router() const { return parts_->router; }

}  // namespace tocsin::console
