import com.microsoft.aad.msal4j.AuthorizationCodeParameters;
import com.microsoft.aad.msal4j.AuthorizationRequestUrlParameters;
import com.microsoft.aad.msal4j.ClientCredentialFactory;
import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import com.microsoft.aad.msal4j.DeviceCodeFlowParameters;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import com.microsoft.aad.msal4j.IClientCredential;
import com.microsoft.aad.msal4j.InteractiveRequestParameters;
import com.microsoft.aad.msal4j.ManagedIdentityApplication;
import com.microsoft.aad.msal4j.ManagedIdentityId;
import com.microsoft.aad.msal4j.ManagedIdentityParameters;
import com.microsoft.aad.msal4j.PublicClientApplication;
import com.microsoft.aad.msal4j.SilentParameters;
import com.microsoft.aad.msal4j.SystemBrowserOptions;
import com.microsoft.aad.msal4j.UserNamePasswordParameters;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.util.Base64;
import java.util.Map;
import java.util.Set;

/** msal4j: the flows of applications, of people, and of managed identities. */
final class Msal {
    static final Map<String, Clients.Flow> FLOWS = Map.of(
            "msal4j secret", Msal::secret,
            "msal4j certificate", Msal::certificate,
            "msal4j device code", Msal::deviceCode,
            "msal4j interactive", Msal::interactive,
            "msal4j code", Msal::code,
            "msal4j password", Msal::password,
            "msal4j managed identity", Msal::managedIdentity);
    private static final String REDIRECT = "http://localhost:5000";

    private Msal() {}

    private static ConfidentialClientApplication application(Clients.Given given, IClientCredential proof)
            throws Exception {
        return ConfidentialClientApplication.builder(given.get("client"), proof)
                .authority(given.get("authority") + "/" + given.get("tenant")).build();
    }

    private static PublicClientApplication tool(Clients.Given given) throws Exception {
        return PublicClientApplication.builder(given.get("client"))
                .authority(given.get("authority") + "/" + given.get("tenant")).build();
    }

    /** A token twice: the second one is the cache's. */
    private static Map<String, Object> forItself(Clients.Given given, IClientCredential proof) throws Exception {
        ConfidentialClientApplication app = application(given, proof);
        ClientCredentialParameters wanted = ClientCredentialParameters.builder(Set.of(given.scope())).build();
        IAuthenticationResult first = app.acquireToken(wanted).get();
        boolean cached = app.acquireToken(wanted).get().accessToken().equals(first.accessToken());
        return Map.of("token", first.accessToken(), "cached", cached);
    }

    private static Map<String, Object> secret(Clients.Given given) throws Exception {
        return forItself(given, ClientCredentialFactory.createFromSecret(given.get("secret")));
    }

    private static Map<String, Object> certificate(Clients.Given given) throws Exception {
        ByteArrayInputStream pfx = new ByteArrayInputStream(Base64.getDecoder().decode(given.get("pfx")));
        return forItself(given, ClientCredentialFactory.createFromCertificate(pfx, given.get("password")));
    }

    /** Whose token it is, and one for another API, without asking that person. */
    private static Map<String, Object> forUser(PublicClientApplication app, IAuthenticationResult result)
            throws Exception {
        Set<String> another = Set.of("https://management.azure.com//user_impersonation");
        String silent = app.acquireTokenSilently(SilentParameters.builder(another, result.account()).build())
                .get().accessToken();
        return Map.of("token", result.accessToken(), "user", result.account().username(), "silent", silent);
    }

    private static Map<String, Object> deviceCode(Clients.Given given) throws Exception {
        PublicClientApplication app = tool(given);
        DeviceCodeFlowParameters wanted = DeviceCodeFlowParameters.builder(Set.of(given.scope()), shown ->
                Clients.ask(Map.of("enter", shown.verificationUri(), "code", shown.userCode()))).build();
        return forUser(app, app.acquireToken(wanted).get());
    }

    private static Map<String, Object> interactive(Clients.Given given) throws Exception {
        PublicClientApplication app = tool(given);
        SystemBrowserOptions browser = SystemBrowserOptions.builder()
                .openBrowserAction(url -> Clients.ask(Map.of("open", url.toString()))).build();
        InteractiveRequestParameters wanted = InteractiveRequestParameters.builder(new URI("http://localhost"))
                .scopes(Set.of(given.scope())).systemBrowserOptions(browser).build();
        return forUser(app, app.acquireToken(wanted).get());
    }

    private static Map<String, Object> password(Clients.Given given) throws Exception {
        PublicClientApplication app = tool(given);
        UserNamePasswordParameters wanted = UserNamePasswordParameters.builder(
                Set.of(given.scope()), given.get("username"), given.get("password").toCharArray()).build();
        return forUser(app, app.acquireToken(wanted).get());
    }

    private static Map<String, Object> code(Clients.Given given) throws Exception {
        ConfidentialClientApplication app =
                application(given, ClientCredentialFactory.createFromSecret(given.get("secret")));
        String url = app.getAuthorizationRequestUrl(
                AuthorizationRequestUrlParameters.builder(REDIRECT, Set.of(given.scope())).build()).toString();
        String code = Clients.visit(url).get("code").toString();
        IAuthenticationResult result = app.acquireToken(
                AuthorizationCodeParameters.builder(code, new URI(REDIRECT)).scopes(Set.of(given.scope())).build()).get();
        return Map.of("token", result.accessToken(), "user", result.account().username());
    }

    private static Map<String, Object> managedIdentity(Clients.Given given) throws Exception {
        ManagedIdentityApplication app =
                ManagedIdentityApplication.builder(ManagedIdentityId.systemAssigned()).build();
        IAuthenticationResult result = app.acquireTokenForManagedIdentity(
                ManagedIdentityParameters.builder("https://management.azure.com").build()).get();
        return Map.of("token", result.accessToken());
    }
}
