package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	msalerrors "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"
)

func options(given Given) azcore.ClientOptions {
	return azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: given.Authority}}
}

func tokenOf(ctx context.Context, given Given, credential azcore.TokenCredential, err error) (Outcome, error) {
	if err != nil {
		return nil, err
	}
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: scopes(given)})
	if err != nil {
		return nil, err
	}
	again, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: scopes(given)})
	return Outcome{"token": token.Token, "cached": again.Token == token.Token}, err
}

func azidentitySecret(ctx context.Context, given Given) (Outcome, error) {
	made, err := azidentity.NewClientSecretCredential(given.Tenant, given.Client, given.Secret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options(given)})
	return tokenOf(ctx, given, made, err)
}

func azidentityCertificate(ctx context.Context, given Given) (Outcome, error) {
	certificates, key, err := azidentity.ParseCertificates([]byte(given.Certificate), nil)
	if err != nil {
		return nil, err
	}
	made, err := azidentity.NewClientCertificateCredential(given.Tenant, given.Client, certificates, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: options(given), SendCertificateChain: true})
	return tokenOf(ctx, given, made, err)
}

func azidentityAssertion(ctx context.Context, given Given) (Outcome, error) {
	assertion := func(context.Context) (string, error) { return given.Assertion, nil }
	made, err := azidentity.NewClientAssertionCredential(given.Tenant, given.Client, assertion,
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: options(given)})
	return tokenOf(ctx, given, made, err)
}

func azidentityDeviceCode(ctx context.Context, given Given) (Outcome, error) {
	prompt := func(_ context.Context, shown azidentity.DeviceCodeMessage) error {
		var page string
		return ask(Outcome{"enter": shown.VerificationURL, "code": shown.UserCode}, &page)
	}
	made, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: options(given), TenantID: given.Tenant, ClientID: given.Client, UserPrompt: prompt})
	return tokenOf(ctx, given, made, err)
}

func azidentityEnvironment(ctx context.Context, given Given) (Outcome, error) {
	made, err := azidentity.NewDefaultAzureCredential(nil)
	return tokenOf(ctx, given, made, err)
}

func azidentityManagedIdentity(ctx context.Context, given Given) (Outcome, error) {
	return in(given.Environment, func() (Outcome, error) {
		chosen := &azidentity.ManagedIdentityCredentialOptions{}
		if given.Client != "" {
			chosen.ID = azidentity.ClientID(given.Client)
		}
		made, err := azidentity.NewManagedIdentityCredential(chosen)
		return tokenOf(ctx, given, made, err)
	})
}

func azidentityOnBehalfOf(ctx context.Context, given Given) (Outcome, error) {
	made, err := azidentity.NewOnBehalfOfCredentialWithSecret(given.Tenant, given.Client, given.Assertion, given.Secret,
		&azidentity.OnBehalfOfCredentialOptions{ClientOptions: options(given)})
	return tokenOf(ctx, given, made, err)
}

// described is an error with the type that programs look for.
func described(err error) Outcome {
	name := fmt.Sprintf("%T", err)
	var failed *azidentity.AuthenticationFailedError
	var call msalerrors.CallErr
	switch {
	case errors.As(err, &failed):
		name = "AuthenticationFailedError"
	case errors.As(err, &call):
		name = "CallErr"
	}
	return Outcome{"error": name, "text": msalerrors.Verbose(err)}
}
