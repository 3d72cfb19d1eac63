import com.azure.core.credential.AccessToken;
import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.ClientAssertionCredentialBuilder;
import com.azure.identity.ClientCertificateCredentialBuilder;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.identity.DeviceCodeCredentialBuilder;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.identity.OnBehalfOfCredentialBuilder;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** azure-identity: one credential for each flow. */
final class AzureIdentity {
    static final Map<String, Clients.Flow> FLOWS = Map.of(
            "azure-identity secret", AzureIdentity::secret,
            "azure-identity certificate", AzureIdentity::certificate,
            "azure-identity assertion", AzureIdentity::assertion,
            "azure-identity device code", AzureIdentity::deviceCode,
            "azure-identity environment", given -> token(given, new DefaultAzureCredentialBuilder().build()),
            "azure-identity managed identity", given -> token(given, new ManagedIdentityCredentialBuilder().build()),
            "azure-identity on behalf of", AzureIdentity::onBehalfOf);

    private AzureIdentity() {}

    private static Map<String, Object> token(Clients.Given given, TokenCredential credential) {
        TokenRequestContext wanted = new TokenRequestContext().addScopes(given.scope());
        AccessToken token = credential.getTokenSync(wanted);
        boolean cached = credential.getTokenSync(wanted).getToken().equals(token.getToken());
        return Map.of("token", token.getToken(), "cached", cached);
    }

    private static Map<String, Object> secret(Clients.Given given) {
        return token(given, new ClientSecretCredentialBuilder()
                .authorityHost(given.get("authority")).tenantId(given.get("tenant")).clientId(given.get("client"))
                .clientSecret(given.get("secret")).build());
    }

    private static Map<String, Object> certificate(Clients.Given given) {
        byte[] pem = given.get("certificate").getBytes(StandardCharsets.UTF_8);
        return token(given, new ClientCertificateCredentialBuilder()
                .authorityHost(given.get("authority")).tenantId(given.get("tenant")).clientId(given.get("client"))
                .pemCertificate(new ByteArrayInputStream(pem)).sendCertificateChain(true).build());
    }

    private static Map<String, Object> assertion(Clients.Given given) {
        return token(given, new ClientAssertionCredentialBuilder()
                .authorityHost(given.get("authority")).tenantId(given.get("tenant")).clientId(given.get("client"))
                .clientAssertion(() -> given.get("assertion")).build());
    }

    private static Map<String, Object> deviceCode(Clients.Given given) {
        return token(given, new DeviceCodeCredentialBuilder()
                .authorityHost(given.get("authority")).tenantId(given.get("tenant")).clientId(given.get("client"))
                .challengeConsumer(shown ->
                        Clients.ask(Map.of("enter", shown.getVerificationUrl(), "code", shown.getUserCode())))
                .build());
    }

    private static Map<String, Object> onBehalfOf(Clients.Given given) {
        return token(given, new OnBehalfOfCredentialBuilder()
                .authorityHost(given.get("authority")).tenantId(given.get("tenant")).clientId(given.get("client"))
                .clientSecret(given.get("secret")).userAssertion(given.get("assertion")).build());
    }
}
