import java.util.LinkedHashMap;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.ProcessesApi;
import org.openapitools.client.api.SystemApi;
import org.openapitools.client.model.ThresholdDefinition;

/** Calls a service through the client that OpenAPI Generator makes for Java. */
public class Client {
  interface Call {
    void run() throws ApiException;
  }

  static Integer statusOf(Call call) {
    try {
      call.run();
      return null;
    } catch (ApiException error) {
      return error.getCode();
    }
  }

  public static void main(String[] arguments) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(arguments[0]);
    String pid = arguments[1];
    SystemApi system = new SystemApi(client);
    ProcessesApi processes = new ProcessesApi(client);

    var process = processes.getSysProcPid(pid, null, null, null, null, null, null, null, null, null, null);
    var list = system.getSysProc(null, null, null, null, 2, null, null, null, null, null, null, null);
    var memory = system.getSysLimit("memory-free", null, null, null, null, null, null, null, null, null);
    ThresholdDefinition definition = new ThresholdDefinition().at(100000);
    var created = processes.putSysProcPidLimitThresholdName(pid, "fds", "java", definition, null, null, "*", null);
    Integer again = statusOf(
        () -> processes.putSysProcPidLimitThresholdName(pid, "fds", "java", definition, null, null, "*", null));
    var read = processes.getSysProcPidLimitThresholdName(
        pid, "fds", "java", null, null, null, null, null, null, null, null, null);
    processes.deleteSysProcPidLimitThresholdName(pid, "fds", "java", null, null, null);
    Integer missing = statusOf(() -> processes.getSysProcPidLimitThresholdName(
        pid, "fds", "java", null, null, null, null, null, null, null, null, null));

    Map<String, Object> shown = new LinkedHashMap<>();
    shown.put("process", process.getName());
    shown.put("entries", list.getEntries().size());
    shown.put("more", list.getNext() != null);
    shown.put("capacity", memory.getCapacity());
    shown.put("at", created.getAt());
    shown.put("state", created.getState());
    shown.put("again", again);
    shown.put("direction", read.getDirection());
    shown.put("missing", missing);
    System.out.println(client.getObjectMapper().writeValueAsString(shown));
  }
}
