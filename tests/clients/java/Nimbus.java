import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.nimbusds.oauth2.sdk.AuthorizationCode;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.auth.ClientSecretPost;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.openid.connect.sdk.AuthenticationRequest;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponse;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.UserInfoRequest;
import com.nimbusds.openid.connect.sdk.UserInfoResponse;
import com.nimbusds.openid.connect.sdk.claims.IDTokenClaimsSet;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import java.net.URI;
import java.util.Map;
import java.util.Set;

/** Nimbus: a website that people sign in to, and an API that validates tokens (Spring Security uses the same library). */
final class Nimbus {
    static final Map<String, Clients.Flow> FLOWS =
            Map.of("nimbus sign in", Nimbus::signIn, "nimbus validate", Nimbus::validate);
    private static final URI REDIRECT = URI.create("http://localhost:5000");

    private Nimbus() {}

    private static Map<String, Object> signIn(Clients.Given given) throws Exception {
        OIDCProviderMetadata provider = OIDCProviderMetadata.resolve(new Issuer(given.get("issuer")));
        ClientID client = new ClientID(given.get("client"));
        State state = new State();
        Nonce nonce = new Nonce();
        CodeVerifier verifier = new CodeVerifier();
        Scope scope = new Scope("openid", "profile", "email");
        AuthenticationRequest request = new AuthenticationRequest.Builder(ResponseType.CODE, scope, client, REDIRECT)
                .endpointURI(provider.getAuthorizationEndpointURI()).state(state).nonce(nonce)
                .codeChallenge(verifier, CodeChallengeMethod.S256).build();
        Map<String, Object> fields = Clients.visit(request.toURI().toString());
        if (!state.getValue().equals(fields.get("state"))) {
            throw new IllegalStateException("the state is another one");
        }
        AuthorizationCode code = new AuthorizationCode(fields.get("code").toString());
        TokenRequest redemption = new TokenRequest.Builder(provider.getTokenEndpointURI(),
                new ClientSecretPost(client, new Secret(given.get("secret"))),
                new AuthorizationCodeGrant(code, REDIRECT, verifier)).build();
        OIDCTokenResponse tokens = (OIDCTokenResponse)
                OIDCTokenResponseParser.parse(redemption.toHTTPRequest().send()).toSuccessResponse();
        IDTokenClaimsSet claims = new IDTokenValidator(
                provider.getIssuer(), client, JWSAlgorithm.RS256, provider.getJWKSetURI().toURL())
                .validate(tokens.getOIDCTokens().getIDToken(), nonce);
        UserInfoResponse info = UserInfoResponse.parse(new UserInfoRequest(
                provider.getUserInfoEndpointURI(), tokens.getOIDCTokens().getBearerAccessToken())
                .toHTTPRequest().send());
        String subject = info.toSuccessResponse().getUserInfo().getSubject().getValue();
        return Map.of("claims", claims.toJSONObject(), "subject", subject);
    }

    private static Map<String, Object> validate(Clients.Given given) throws Exception {
        OIDCProviderMetadata provider = OIDCProviderMetadata.resolve(new Issuer(given.get("issuer")));
        DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
        processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.RS256,
                JWKSourceBuilder.create(provider.getJWKSetURI().toURL()).build()));
        processor.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>(given.get("audience"),
                new JWTClaimsSet.Builder().issuer(given.get("issuer")).build(), Set.of("exp", "nbf", "tid")));
        return Map.of("claims", processor.process(given.get("bearer"), null).toJSONObject());
    }
}
