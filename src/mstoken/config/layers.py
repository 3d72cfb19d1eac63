"""Flags before environment before profile: which value counts, and the notes for the user about it."""

from __future__ import annotations

from mstoken import clouds, credentials, steps
from mstoken.config import environment, proofs
from mstoken.config.settings import Settings
from mstoken.errors import NotConfigured, UsageError
from mstoken.hidden import ENVIRON
from mstoken.messages import advice
from mstoken.typed import TYPE_CHECKING, NoReturn
from mstoken.urls import redacted_url
from mstoken.values import field, replace, value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from mstoken.config.profiles import Profile
    from mstoken.credentials import (
        AzureCli,
        AzureDeveloperCli,
        AzurePowerShell,
        BaseCredential,
        ClientCredential,
        Credential,
        ManagedIdentity,
    )

DEFAULT_PROFILE = "default"

_GUID_LENGTH = 36

_SETTING_HINTS = {
    ("tenant",): ("a tenant", "--tenant or "),
    ("client_id",): ("a client id", "--client-id or "),
    environment.CREDENTIALS: ("a credential", ""),
}
"""What is missing, and the option that gives it on the command line."""

# Settings of a profile that a variable overrides in addition to the one of the same name.
_RIVALS = {
    "client_secret": proofs.PROOFS,
    "client_certificate": proofs.PROOFS,
    "refresh_token": ("refresh_token", "account"),
    "authority": ("authority", "token_endpoint", "cloud"),
}


@value
class Layers:
    """The three layers, highest first. Each maps a setting to its text and contains only settings that are given.

    `environ` is the whole environment: for the profile's references to variables, and for messages.
    """

    flags: Mapping[str, str]
    environment: Mapping[str, str] = field(secret=True)
    profile: Profile | None = None
    environ: Mapping[str, str] = field(default=ENVIRON, repr=False)
    ignored: tuple[str, ...] = ()
    """Notes about variables that do not count because a profile is named."""

    @classmethod
    def of(cls, flags: Mapping[str, str], environ: Mapping[str, str]) -> Self:
        """Gather the layers. Raises UsageError for a named profile that does not exist or cannot be used."""
        options = {name: value.strip() for name, value in flags.items() if value.strip()}
        variables = environment.read_variables(environ)
        name = options.pop("profile", "") or variables.pop("profile", "")
        options = environment.with_tenant(options)
        if not name and not environment.missing({*variables, *options}):
            return cls(options, variables, None, environ)  # complete: no file may change the identity
        from mstoken.config import profiles

        if name:
            profile = profiles.load(name, environ)
            profile = replace(profile, values=environment.with_tenant(profile.values))
            effective = variables_beside_profile(profile.values, variables)
            return cls(options, effective, profile, environ, tuple(_ignored(variables, effective, profile, environ)))
        found = profiles.find(DEFAULT_PROFILE, environ)
        if found is not None and _differ(found.values, variables, "client_id") and "client_id" not in options:
            found = None  # its secret belongs to another application
        return cls(options, variables, found, environ)

    def settings(self, credential: Credential | None = None) -> Settings:
        """Return the client's settings. A `credential` given here replaces the one in the layers.

        Raises NotConfigured, and UsageError for a secret that cannot be read.
        """
        authority, cloud, token_endpoint = self.authority_settings()
        self._log_source()
        tenant, client_id = self.text("tenant"), self.text("client_id")
        identity = self._managed_identity() or self._developer_tool()
        if identity and not credential:
            # This identity is complete: clients in the environment, and tenants there, belong to other identities.
            credential, tenant, client_id = identity, self._tenant_for(identity), ""
        stand_ins = {"tenant": token_endpoint, "refresh_token": credential or self.text("account")}
        have = {*self._merged(), *(setting for setting, value in stand_ins.items() if value)}
        if not identity and (lacking := environment.missing(have)):
            self._not_configured(lacking)
        return Settings(
            tenant=tenant,
            client_id=client_id,
            credential=credential or self._credential(),
            cloud=cloud,
            authority=authority,
            token_endpoint=token_endpoint,
            store=self.store(),
            profile=self.profile.name if self.profile else "",
            notes=self.notes(),
        )

    def _log_source(self) -> None:
        """Log which layers have settings, without their values."""
        if steps.wanted():
            profile = f"profile {self.profile.name}" if self.profile else ""
            named = {"options": self.flags, "environment": self.environment, profile: profile}
            steps.source([name for name, layer in named.items() if layer])

    def text(self, setting: str) -> str:
        """Return `setting` from the highest layer that has it, else ''. A profile's secret stays a reference.

        At Entra, a client id may be the name of one of Microsoft's public clients.
        """
        merged = self._merged()
        found = merged.get(setting, "")
        if setting != "client_id" or len(found) == _GUID_LENGTH or merged.get("token_endpoint"):
            return found
        from mstoken.services.public_clients import client_id_of

        return client_id_of(found)

    def authority_settings(self) -> tuple[str, str, str]:
        """Return authority, cloud and token endpoint.

        An authority and a token endpoint exclude each other, so the highest layer with either decides. A Microsoft
        login host and a cloud with a different login host exclude each other too: the higher layer's value counts.
        Raises UsageError for an unknown cloud, or if one layer has a cloud and the authority of another.
        """
        authority = token_endpoint = cloud = ""
        authority_layer = cloud_layer = 0
        for number, layer in enumerate(self._layers()):
            if not (authority or token_endpoint):
                authority, token_endpoint = layer.get("authority", ""), layer.get("token_endpoint", "")
                authority_layer = number
            if not cloud:
                cloud, cloud_layer = layer.get("cloud", ""), number
        if token_endpoint:
            self._check_standard_server(token_endpoint)
            return "", "", token_endpoint
        named = clouds.cloud(cloud) if cloud else None
        of_host = clouds.cloud_of_authority(authority) if authority else None
        if named and of_host and named.authority_host != of_host.authority_host:
            if authority_layer == cloud_layer:
                raise UsageError(
                    f"The authority {authority} signs in to the cloud {of_host.name}, not to {named.name}.",
                    f"Leave one of them out; {named.name} signs in at {named.authority_host}.",
                )
            return (authority, "", "") if authority_layer < cloud_layer else ("", cloud, "")
        return authority, cloud, ""

    def _check_standard_server(self, token_endpoint: str) -> None:
        """Refuse flags that do not apply. Environment and profile may be about other servers; flags are intentional."""
        if odd := [f"--{name}" for name in ("tenant", "cloud") if name in self.flags]:
            raise UsageError(
                f"{' and '.join(odd)} cannot be used: {redacted_url(token_endpoint)} is a standard OAuth server, "
                "which has neither tenants nor clouds.",
                f"Leave {' and '.join(odd)} out, or name another profile: --profile NAME",
            )

    def store(self) -> str:
        """Return the URL of the shared store, '' for the local store. Raises UsageError for a broken reference."""
        if "store" in self.environment:
            return self.environment["store"]
        text = self.text("store")
        from mstoken.config.secret_references import is_reference

        return self._referenced("store") if is_reference(text) else text

    def client(self) -> ClientCredential | None:
        """Return the client credential, None for a public client. Raises UsageError for a broken reference."""
        name, layer = proofs.chosen(self._layers())
        if not name:
            return None
        folder = self.profile.folder if self.profile and layer is self.profile.values else ""
        return proofs.client_proof(name, layer, self.environ, folder)

    def _managed_identity(self) -> ManagedIdentity | None:
        """Return the profile's managed identity, unless a variable provides a credential, which takes precedence."""
        text = self.profile.values.get("managed_identity", "") if self.profile else ""
        if not text or any(name in self.environment for name in environment.CREDENTIALS):
            return None
        return proofs.machine(text)

    def _developer_tool(self) -> AzureCli | AzurePowerShell | AzureDeveloperCli | None:
        """Return the tool whose sign-in the profile uses, unless a variable provides a credential."""
        values = self.profile.values if self.profile else {}
        if not (name := values.get("developer_tool", "")) or any(
            name in self.environment for name in environment.CREDENTIALS
        ):
            return None
        return proofs.developer_tool(name, values.get("subscription", ""))

    def _tenant_for(self, identity: BaseCredential) -> str:
        """Return the tenant to name to a tool, from an option or the profile; a machine's identity takes none."""
        if isinstance(identity, credentials.ManagedIdentity):
            return ""
        return self.flags.get("tenant", "") or (self.profile.values.get("tenant", "") if self.profile else "")

    def _credential(self) -> Credential:
        client = self.client()
        if assertion := self.environment.get("user_assertion", "") or self._referenced("user_assertion"):
            return credentials.OnBehalfOf(assertion, proofs.for_callers(client, self._merged()))
        single_use = self.profile is not None and self.profile.single_use
        if value := self.environment.get("refresh_token", ""):
            return credentials.RefreshToken(value, client, single_use=single_use)
        value, account = self._referenced("refresh_token"), self.text("account")
        if not (value or account) and (password := self._password(client)):
            return credentials.Password(self.text("username"), password, client)
        if client and not (value or account):
            return proofs.acting(client, self._merged())
        return credentials.RefreshToken(value, client, account, single_use=single_use)

    def _password(self, client: ClientCredential | None) -> str:
        """Return the user's password, '' for none.

        In the environment, a client credential takes precedence, as in the Azure SDKs.
        """
        if password := self.environment.get("password", ""):
            return "" if client else password
        return self._referenced("password")

    def _referenced(self, setting: str) -> str:
        if self.profile is None or setting not in self.profile.values:
            return ""
        from mstoken.config import secret_references

        return secret_references.resolve(self.profile.values[setting], self.environ, self.profile.folder)

    def _layers(self) -> tuple[Mapping[str, str], ...]:
        return self.flags, self.environment, self.profile.values if self.profile else {}

    def _merged(self) -> dict[str, str]:
        merged: dict[str, str] = {}
        for layer in reversed(self._layers()):
            merged.update(environment.with_tenant(layer))
        return merged

    def notes(self) -> tuple[str, ...]:
        """Return notes about variables that override the profile, and about secrets that others can read."""
        if self.profile is None:
            return ()
        from mstoken.config import secret_references

        values, name = self.profile.values, self.profile.name
        notes = [
            f"{environment.VARIABLES[setting]} is set and overrides {rival} of the profile {name}."
            for setting, value in self.environment.items()
            for rival in _RIVALS.get(setting, (setting,))
            if self._beaten(setting, rival) and values[rival] not in {value, f"env:{environment.VARIABLES[setting]}"}
        ]
        notes += [
            secret_references.exposure(values[setting], self.environ, self.profile.folder)
            for setting in environment.SECRETS
            if setting in values and setting not in self.environment
        ]
        return tuple(note for note in (*self.ignored, *notes) if note)

    def _beaten(self, setting: str, rival: str) -> bool:
        """Return whether the variable of `setting` is the reason why the profile's `rival` does not count."""
        if self.profile is None or rival not in self.profile.values or setting in self.flags or rival in self.flags:
            return False
        return rival != "cloud" or not self.authority_settings()[1]

    def _not_configured(self, lacking: tuple[tuple[str, ...], ...]) -> NoReturn:
        from mstoken.config import profiles

        missing = ((*_SETTING_HINTS[one_of], environment.names(one_of, self.environ)) for one_of in lacking)
        wanted = ", ".join(
            f"{what} ({advice(options=option, python='')}{variables})" for what, option, variables in missing
        )
        raise NotConfigured(
            f"The identity is incomplete. Missing: {wanted}. {profiles.looked_at(self.profile, self.environ)}",
            "Set the missing values, or store a sign-in: mstoken login --tenant TENANT --client-id ID\n"
            "To try it without a tenant: mstoken emulator -- mstoken get graph",
        )


_APPLICATION = (*proofs.PROOFS, "client_certificate_password", "send_certificate_chain")
_PERSON = ("refresh_token", "account", "username", "password", "user_assertion")


def variables_beside_profile(values: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that count beside a named profile. The profile wins, and no identity has two sources.

    Variables about another client or tenant do not apply to this profile. Those about the same one may complete it,
    such as AZURE_CLIENT_SECRET for a sign-in that `mstoken login` stored.
    """
    dropped = {"tenant", "client_id"} & values.keys()
    if any(_differ(values, variables, name) for name in ("tenant", "client_id")) or _is_complete(values):
        dropped |= {"tenant", "client_id", *_APPLICATION, *_PERSON}
    for family in (_APPLICATION, _PERSON):
        if any(name in values for name in family):
            dropped |= set(family)
    return {name: value for name, value in variables.items() if name not in dropped}


def _is_complete(values: Mapping[str, str]) -> bool:
    """Return whether the profile names an identity that needs neither a client nor a secret of its own."""
    return bool(values.get("managed_identity") or values.get("developer_tool"))


def _differ(values: Mapping[str, str], variables: Mapping[str, str], name: str) -> bool:
    return name in values and name in variables and values[name].lower() != variables[name].lower()


def _ignored(
    variables: Mapping[str, str], effective: Mapping[str, str], profile: Profile, environ: Mapping[str, str]
) -> Iterator[str]:
    for name in (variable for variable in variables if variable not in effective):
        if environment.VARIABLES[name] not in environ:  # the tenant that the authority names
            continue
        same = {variables[name].lower(), f"env:{environment.VARIABLES[name]}".lower()}
        if profile.values.get(name, "").lower() not in same:
            yield f"{environment.VARIABLES[name]} is set and ignored because the profile {profile.name} is named."
