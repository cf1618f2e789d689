// SPDX-License-Identifier: Apache-2.0
//
// One OpenSearch node, put together from the server's jars: the distribution is in no registry.
//
//   java -cp 'classes:libs/*' Server HOME HTTP_PORT TRANSPORT_PORT [setting=value...]
//
// It runs outside of the distribution's launcher, without the security manager: fit to test what the
// server answers, not for figures about the distribution.
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;

public class Server {
  // What the distribution always loads.
  static final String[] MODULES = {
    "org.opensearch.transport.Netty4Plugin",
    "org.opensearch.analysis.common.CommonAnalysisPlugin",
    "org.opensearch.painless.PainlessPlugin",
    "org.opensearch.script.expression.ExpressionPlugin",
    "org.opensearch.script.mustache.MustachePlugin",
    "org.opensearch.ingest.common.IngestCommonPlugin",
    "org.opensearch.index.mapper.MapperExtrasPlugin",
    "org.opensearch.index.reindex.ReindexPlugin",
    "org.opensearch.join.ParentJoinPlugin",
    "org.opensearch.search.aggregations.matrix.MatrixAggregationPlugin",
    "org.opensearch.geo.GeoModulePlugin",
  };

  static class LocalNode extends Node {
    LocalNode(Environment environment, Collection<Class<? extends Plugin>> plugins) {
      super(environment, plugins, true);
    }
  }

  static Settings settings(Path home, String[] arguments) {
    Settings.Builder settings =
        Settings.builder()
            .put("path.home", home.toString())
            .put("path.data", home.resolve("data").toString())
            .put("path.logs", home.resolve("logs").toString())
            .put("cluster.name", "services")
            .put("node.name", "node-1")
            .put("network.host", "127.0.0.1")
            .put("http.port", arguments[1])
            .put("transport.port", arguments[2])
            .put("discovery.type", "single-node")
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .put("action.destructive_requires_name", true);
    for (int i = 3; i < arguments.length; i++) {
      int equals = arguments[i].indexOf('=');
      settings.put(arguments[i].substring(0, equals), arguments[i].substring(equals + 1));
    }
    return settings.build();
  }

  public static void main(String[] arguments) throws Exception {
    Path home = Path.of(arguments[0]).toAbsolutePath();
    for (String folder : new String[] {"config", "data", "logs", "modules", "plugins"})
      Files.createDirectories(home.resolve(folder));
    List<Class<? extends Plugin>> plugins = new ArrayList<>();
    for (String module : MODULES) plugins.add(Class.forName(module).asSubclass(Plugin.class));
    Environment environment =
        InternalSettingsPreparer.prepareEnvironment(
            settings(home, arguments), Map.of(), home.resolve("config"), () -> "node-1");
    LocalNode node = new LocalNode(environment, plugins);
    CountDownLatch closed = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  try {
                    node.close();
                  } catch (Exception error) {
                    error.printStackTrace();
                  }
                  closed.countDown();
                }));
    node.start();
    System.out.println("ready");
    closed.await();
  }
}
