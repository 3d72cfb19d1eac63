package main

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// oidcSignIn is a website: discovery, a visit to the sign-in page, the code's redemption, and the ID token verified.
func oidcSignIn(ctx context.Context, given Given) (Outcome, error) {
	provider, err := oidc.NewProvider(ctx, given.Issuer)
	if err != nil {
		return nil, err
	}
	site := oauth2.Config{
		ClientID: given.Client, ClientSecret: given.Secret, Endpoint: provider.Endpoint(), RedirectURL: redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	var fields map[string]string
	url := site.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))
	if err := ask(Outcome{"visit": url}, &fields); err != nil {
		return nil, err
	}
	if fields["state"] != state {
		return nil, errors.New("the state is another one")
	}
	token, err := site.Exchange(ctx, fields["code"], oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, err
	}
	raw, _ := token.Extra("id_token").(string)
	verified, err := provider.Verifier(&oidc.Config{ClientID: given.Client}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if verified.Nonce != nonce {
		return nil, errors.New("the nonce is another one")
	}
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	err = verified.Claims(&claims)
	return Outcome{"claims": claims, "subject": info.Subject}, err
}

// oidcValidate is an API: signature, issuer, audience and time of an access token.
func oidcValidate(ctx context.Context, given Given) (Outcome, error) {
	provider, err := oidc.NewProvider(ctx, given.Issuer)
	if err != nil {
		return nil, err
	}
	verified, err := provider.Verifier(&oidc.Config{ClientID: given.Audience}).Verify(ctx, given.Bearer)
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	err = verified.Claims(&claims)
	return Outcome{"claims": claims}, err
}
