package main

import (
	"context"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

const redirect = "http://localhost:5000"

func application(given Given, proof confidential.Credential, err error) (confidential.Client, error) {
	if err != nil {
		return confidential.Client{}, err
	}
	return confidential.New(given.Authority+"/"+given.Tenant, given.Client, proof, confidential.WithX5C())
}

func tool(given Given) (public.Client, error) {
	return public.New(given.Client, public.WithAuthority(given.Authority+"/"+given.Tenant))
}

// forItself gets a token twice: the second one is the cache's.
func forItself(ctx context.Context, given Given, proof confidential.Credential, err error) (Outcome, error) {
	app, err := application(given, proof, err)
	if err != nil {
		return nil, err
	}
	first, err := app.AcquireTokenByCredential(ctx, scopes(given))
	if err != nil {
		return nil, err
	}
	second, err := app.AcquireTokenByCredential(ctx, scopes(given))
	cached := second.Metadata.TokenSource == confidential.TokenSourceCache
	return Outcome{"token": first.AccessToken, "cached": cached}, err
}

func msalSecret(ctx context.Context, given Given) (Outcome, error) {
	proof, err := confidential.NewCredFromSecret(given.Secret)
	return forItself(ctx, given, proof, err)
}

func msalCertificate(ctx context.Context, given Given) (Outcome, error) {
	certificates, key, err := confidential.CertFromPEM([]byte(given.Certificate), "")
	if err != nil {
		return nil, err
	}
	proof, err := confidential.NewCredFromCert(certificates, key)
	return forItself(ctx, given, proof, err)
}

// forUser tells whose token it is, and gets one silently for another API.
func forUser(ctx context.Context, app public.Client, result public.AuthResult, err error) (Outcome, error) {
	if err != nil {
		return nil, err
	}
	another := []string{"https://management.azure.com//user_impersonation"}
	silent, err := app.AcquireTokenSilent(ctx, another, public.WithSilentAccount(result.Account))
	if err != nil {
		return nil, err
	}
	return Outcome{"token": result.AccessToken, "user": result.Account.PreferredUsername, "silent": silent.AccessToken}, nil
}

func msalDeviceCode(ctx context.Context, given Given) (Outcome, error) {
	app, err := tool(given)
	if err != nil {
		return nil, err
	}
	device, err := app.AcquireTokenByDeviceCode(ctx, scopes(given))
	if err != nil {
		return nil, err
	}
	var page string
	if err := ask(Outcome{"enter": device.Result.VerificationURL, "code": device.Result.UserCode}, &page); err != nil {
		return nil, err
	}
	result, err := device.AuthenticationResult(ctx)
	return forUser(ctx, app, result, err)
}

func msalInteractive(ctx context.Context, given Given) (Outcome, error) {
	app, err := tool(given)
	if err != nil {
		return nil, err
	}
	open := func(url string) error {
		var opened bool
		return ask(Outcome{"open": url}, &opened)
	}
	result, err := app.AcquireTokenInteractive(ctx, scopes(given), public.WithOpenURL(open))
	return forUser(ctx, app, result, err)
}

func msalPassword(ctx context.Context, given Given) (Outcome, error) {
	app, err := tool(given)
	if err != nil {
		return nil, err
	}
	result, err := app.AcquireTokenByUsernamePassword(ctx, scopes(given), given.Username, given.Password)
	return forUser(ctx, app, result, err)
}

func msalCode(ctx context.Context, given Given) (Outcome, error) {
	proof, err := confidential.NewCredFromSecret(given.Secret)
	app, err := application(given, proof, err)
	if err != nil {
		return nil, err
	}
	url, err := app.AuthCodeURL(ctx, given.Client, redirect, scopes(given))
	if err != nil {
		return nil, err
	}
	var fields map[string]string
	if err := ask(Outcome{"visit": url}, &fields); err != nil {
		return nil, err
	}
	result, err := app.AcquireTokenByAuthCode(ctx, fields["code"], redirect, scopes(given))
	return Outcome{"token": result.AccessToken, "user": result.Account.PreferredUsername}, err
}

func msalManagedIdentity(ctx context.Context, given Given) (Outcome, error) {
	return in(given.Environment, func() (Outcome, error) {
		var id managedidentity.ID = managedidentity.SystemAssigned()
		if given.Client != "" {
			id = managedidentity.UserAssignedClientID(given.Client)
		}
		client, err := managedidentity.New(id)
		if err != nil {
			return nil, err
		}
		result, err := client.AcquireToken(ctx, "https://management.azure.com")
		return Outcome{"token": result.AccessToken}, err
	})
}
