// Microsoft's libraries for Go and coreos/go-oidc as programs use them. The test that runs this program names a flow
// with its inputs, one line of JSON each; where a person is needed the test acts; the outcome goes back: the token and
// whether it came from the network or the cache, or the error as the library words it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
)

// Given is what the test says: a flow, and its inputs by the names that Azure's own variables have.
type Given struct {
	Flow, Authority, Tenant, Client, Secret, Certificate, Assertion string
	Username, Password, Bearer, Issuer, Audience, Scope             string
	Environment                                                     map[string]string
}

// Outcome goes back to the test.
type Outcome map[string]any

type flow func(context.Context, Given) (Outcome, error)

var flows = map[string]flow{
	"azidentity secret":           azidentitySecret,
	"azidentity certificate":      azidentityCertificate,
	"azidentity assertion":        azidentityAssertion,
	"azidentity device code":      azidentityDeviceCode,
	"azidentity environment":      azidentityEnvironment,
	"azidentity managed identity": azidentityManagedIdentity,
	"azidentity on behalf of":     azidentityOnBehalfOf,
	"msal secret":                 msalSecret,
	"msal certificate":            msalCertificate,
	"msal device code":            msalDeviceCode,
	"msal interactive":            msalInteractive,
	"msal code":                   msalCode,
	"msal password":               msalPassword,
	"msal managed identity":       msalManagedIdentity,
	"oidc sign in":                oidcSignIn,
	"oidc validate":               oidcValidate,
}

var (
	lines = bufio.NewReader(os.Stdin)
	out   = json.NewEncoder(os.Stdout)
)

// ask says something to the test and returns its answer.
func ask(what any, answer any) error {
	if err := out.Encode(what); err != nil {
		return err
	}
	return hear(answer)
}

func hear(answer any) error {
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, answer)
}

func scopes(given Given) []string {
	if given.Scope != "" {
		return []string{given.Scope}
	}
	return []string{"https://graph.microsoft.com/.default"}
}

// in sets the variables of a machine while work runs.
func in(environment map[string]string, work func() (Outcome, error)) (Outcome, error) {
	for name, value := range environment {
		os.Setenv(name, value)
		defer os.Unsetenv(name)
	}
	return work()
}

func main() {
	for {
		var given Given
		if hear(&given) != nil || given.Flow == "" {
			return
		}
		outcome, err := flows[given.Flow](context.Background(), given)
		if err != nil {
			outcome = described(err)
		}
		if out.Encode(Outcome{"outcome": outcome}) != nil {
			return
		}
	}
}
