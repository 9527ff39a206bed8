import type { Dialect } from './dialects.ts'
import type { Netifd } from './netifd.ts'
import type { Rpcd } from './rpcd.ts'
import { OK, type Said } from './uci.ts'

/** Its codes. */
const UBUS = {
  ok: 0,
  invalidArgument: 2,
  methodNotFound: 3,
  notFound: 4,
  noData: 5,
  permissionDenied: 6,
} as const

const WORDS: Readonly<Record<number, string>> = {
  [UBUS.invalidArgument]: 'Invalid argument',
  [UBUS.methodNotFound]: 'Method not found',
  [UBUS.notFound]: 'Not found',
  [UBUS.noData]: 'No data',
  [UBUS.permissionDenied]: 'Permission denied',
}

export interface UbusDeps {
  readonly dialect: Dialect
  readonly netifd: Netifd
  readonly rpcd: Rpcd
}

/** The `ubus` of a router: the objects of its services. What is not there is not found. */
export function makeUbus({ dialect, netifd, rpcd }: UbusDeps): (args: readonly string[]) => Promise<Said> {
  async function ubus(args: readonly string[]): Promise<Said> {
    const [verb, object = '', method = '', text] = args
    if (verb === 'list') {
      const known = ['network', 'network.interface', 'system']
      if (object !== '' && !known.includes(object)) return failed(args, UBUS.notFound)
      return { ...OK, stdout: `${(object === '' ? known : [object]).join('\n')}\n` }
    }
    if (verb !== 'call') throw new TypeError(`the simulated ubus does not know ${verb}`)
    if (text !== undefined && !isJson(text)) return failed(args, UBUS.invalidArgument)
    const { code, data } = await call(object, method, text ?? '{}')
    if (code !== UBUS.ok) return failed(args, code)
    return { ...OK, stdout: data === undefined ? '' : `${JSON.stringify(data, null, '\t')}\n` }
  }

  /** Where its errors are no terminal's, it says the whole command again. */
  function failed(args: readonly string[], code: number): Said {
    return {
      code: dialect.ubusStatus === 'negative' ? 256 - code : code,
      stdout: '',
      stderr: `Command failed: ubus ${args.join(' ')} (${WORDS[code]})\n`,
    }
  }

  async function call(
    object: string,
    method: string,
    text: string,
  ): Promise<{ readonly code: number; readonly data?: object }> {
    if (object === 'uci') {
      const { ubus_rpc_session: session = '', timeout = 60 } = JSON.parse(text) as RpcdArguments
      if (method === 'apply') return { code: (await rpcd.apply(session, timeout)) ? UBUS.ok : UBUS.permissionDenied }
      if (method === 'confirm') return { code: rpcd.confirm(session) ? UBUS.ok : UBUS.noData }
      return { code: UBUS.methodNotFound }
    }
    if (object === 'system' && method === 'board') return { code: UBUS.ok, data: boardOf(dialect) }
    if (object === 'network') {
      if (method === 'get_proto_handlers')
        return { code: UBUS.ok, data: Object.fromEntries(netifd.handlers().map((name) => [name, { immediate: true }])) }
      if (method === 'reload') await netifd.reload()
      else if (method === 'restart') await netifd.start()
      else return { code: UBUS.methodNotFound }
      return { code: UBUS.ok }
    }
    if (object === 'network.interface' && method === 'dump') {
      const all = [...(await netifd.status())].map(([name, status]) => ({ interface: name, ...status }))
      return { code: UBUS.ok, data: { interface: all } }
    }
    const name = /^network\.interface\.(\w+)$/.exec(object)?.[1]
    if (name === undefined || !netifd.names().includes(name)) return { code: UBUS.notFound }
    if (method === 'status') return { code: UBUS.ok, data: (await netifd.status()).get(name) ?? {} }
    if (method !== 'up' && method !== 'down' && method !== 'renew') return { code: UBUS.methodNotFound }
    await netifd.act(name, method)
    return { code: UBUS.ok }
  }

  return ubus
}

/** Of the calls of object `uci`; all that is applied is applied with rollback. */
interface RpcdArguments {
  readonly ubus_rpc_session?: string
  readonly timeout?: number
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function boardOf({ version, revision, kernel }: Dialect): object {
  return {
    kernel,
    hostname: 'OpenWrt',
    system: 'ARMv8 Processor rev 4',
    model: 'GL.iNet GL-MT6000',
    board_name: 'glinet,gl-mt6000',
    rootfs_type: 'squashfs',
    release: {
      distribution: 'OpenWrt',
      version,
      revision,
      target: 'mediatek/filogic',
      description: `OpenWrt ${version} ${revision}`,
    },
  }
}
