// Makes Node's fetch take HTTPS_PROXY and NO_PROXY, as Node 22.21 and 24 do by themselves with NODE_USE_ENV_PROXY=1.
// Loaded before a program (node --import …), which stays as it is.
import { EnvHttpProxyAgent, setGlobalDispatcher } from "undici";

setGlobalDispatcher(new EnvHttpProxyAgent());
