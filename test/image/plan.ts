import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'

/** What an engine gives a container, in the words of the OCI runtime-spec where it has any. */
export interface ContainerPlan {
  readonly capabilities: readonly string[]
  readonly devices: readonly string[]
  readonly readOnly: boolean
  readonly tmpfs: readonly string[]
  /** Paths in the container of secrets, by the names of their files. */
  readonly secrets: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly hostNetwork: boolean
  readonly noNewPrivileges: boolean
}

/** docs.docker.com/engine/containers/run, "Runtime privilege and Linux capabilities". */
const DOCKERS = [
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT',
].flatMap((names) => names.split(' '))

/** The keys of a service that are in our compose files. */
export interface ComposeService {
  readonly image: string
  readonly restart: string
  readonly network_mode: string
  readonly cap_drop: readonly string[]
  readonly cap_add: readonly string[]
  readonly security_opt: readonly string[]
  readonly devices: readonly string[]
  readonly read_only: boolean
  readonly tmpfs: readonly string[]
  readonly volumes: readonly string[]
  readonly secrets?: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly healthcheck: { readonly test: readonly string[] }
}

export async function readCompose(role: 'home' | 'hub'): Promise<ComposeService> {
  const read = parse(await readFile(`packaging/compose/${role}.yaml`, 'utf8'))
  return read.services[role]
}

/** As Docker reads a compose file of ours. @param variables of `.env`. */
export function planOfCompose(service: ComposeService, variables: Readonly<Record<string, string>>): ContainerPlan {
  const kept = service.cap_drop.includes('ALL') ? [] : DOCKERS
  return {
    capabilities: [...kept, ...service.cap_add],
    devices: service.devices,
    readOnly: service.read_only,
    tmpfs: service.tmpfs,
    secrets: service.secrets ?? [],
    environment: Object.fromEntries(
      Object.entries(service.environment).map(([name, value]) => [name, interpolated(value, variables)]),
    ),
    hostNetwork: service.network_mode === 'host',
    noNewPrivileges: service.security_opt.includes('no-new-privileges:true'),
  }
}

/** `${NAME:-default}` and `${NAME:?what}` (docs.docker.com/reference/compose-file/interpolation). */
function interpolated(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+):([-?])([^}]*)\}/g, (_, name: string, kind: string, more: string) => {
    const value = variables[name] ?? ''
    if (value !== '') return value
    if (kind === '?') throw new Error(`${name}: ${more}`)
    return more
  })
}

export interface AppConfig {
  readonly [key: string]: unknown
  readonly host_network: boolean
  readonly privileged: readonly string[]
  readonly devices: readonly string[]
  readonly schema: Readonly<Record<string, unknown>>
  readonly options: Readonly<Record<string, unknown>>
}

export async function readApp(): Promise<AppConfig> {
  return parse(await readFile('packaging/home-assistant/config.yaml', 'utf8'))
}

/** As Home Assistant's Supervisor starts an app (supervisor/docker/app.py): Docker's capabilities, and those that it asks for. */
export function planOfApp(app: AppConfig): ContainerPlan {
  return {
    capabilities: [...DOCKERS, ...app.privileged],
    devices: app.devices,
    readOnly: false,
    tmpfs: [],
    secrets: [],
    environment: {},
    hostNetwork: app.host_network,
    noNewPrivileges: false,
  }
}
