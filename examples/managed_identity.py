"""Use the identity of the machine: on Azure by `Client.managed_identity()`, here with the emulator as App Service."""

from entra_emulator import Emulator
from mstoken import Client, ManagedIdentity

with Emulator() as entra, entra.machine() as machine:
    identity = ManagedIdentity(environment=machine.environment("app_service"))
    print(Client("", "", identity).get_token("arm").token_type)

# Output:
#   Bearer
