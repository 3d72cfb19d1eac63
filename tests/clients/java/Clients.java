import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Microsoft's libraries for Java and Nimbus as programs use them. The test that runs this program names a flow with its
 * inputs, one line of JSON each; where a person is needed the test acts; the outcome goes back: the token, or the
 * exception as the library words it.
 */
public final class Clients {
    /** What the test gives a flow, by name; what is absent is "". */
    record Given(Map<String, Object> values) {
        String get(String name) {
            return values.getOrDefault(name, "").toString();
        }

        String scope() {
            return get("scope").isEmpty() ? "https://graph.microsoft.com/.default" : get("scope");
        }
    }

    interface Flow {
        Map<String, Object> run(Given given) throws Exception;
    }

    private static final BufferedReader IN =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    /** Say something to the test, and return its answer as it came: a line of JSON. */
    static String ask(Map<String, Object> what) {
        OUT.println(JSONObjectUtils.toJSONString(what));
        try {
            return IN.readLine();
        } catch (java.io.IOException gone) {
            throw new IllegalStateException("the test is gone", gone);
        }
    }

    static Map<String, Object> visit(String url) throws Exception {
        return JSONObjectUtils.parse(ask(Map.of("visit", url)));
    }

    private static Map<String, Object> described(Throwable error) {
        Throwable raised = error;
        while (raised instanceof java.util.concurrent.ExecutionException && raised.getCause() != null) {
            raised = raised.getCause();
        }
        StringBuilder text = new StringBuilder();
        for (Throwable cause = raised; cause != null; cause = cause.getCause()) {
            text.append(cause.getMessage()).append('\n');
        }
        return Map.of("error", raised.getClass().getSimpleName(), "text", text.toString());
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, Flow> flows = new HashMap<>();
        flows.putAll(AzureIdentity.FLOWS);
        flows.putAll(Msal.FLOWS);
        flows.putAll(Nimbus.FLOWS);
        for (String line = IN.readLine(); line != null; line = IN.readLine()) {
            Given given = new Given(JSONObjectUtils.parse(line));
            if (given.get("flow").isEmpty()) {
                break;
            }
            Map<String, Object> outcome;
            try {
                outcome = flows.get(given.get("flow")).run(given);
            } catch (Exception error) {
                outcome = described(error);
            }
            OUT.println(JSONObjectUtils.toJSONString(Map.of("outcome", outcome)));
        }
        System.exit(0); // azure-core's threads are no daemons
    }
}
