import { oneLine, quoted } from '../../../problems/printable.ts'
import { Problem } from '../../../problems/problem.ts'
import type { Description } from '../../adapter.ts'
import type { Exec } from '../ssh/exec.ts'

const WHAT = 'preparing the router'
const LONGEST_NAME = 64

const SCRIPT = `ubus call system board; echo '=== more'; id -u; command -v fw4; command -v conntrack`

/**
 * Asks the router what it is.
 * @throws {Problem} `router-version-unsupported` before OpenWrt 22.03 and for what is not OpenWrt,
 * `router-rights-missing`.
 */
export async function probeBoard(exec: Exec, signal: AbortSignal): Promise<Description> {
  const said = await exec(SCRIPT, { signal })
  const [json = '', more = ''] = said.stdout.split('=== more\n')
  const board = boardIn(json)
  if (board === null)
    throw new Problem('router-version-unsupported', {
      what: WHAT,
      why: 'it does not say what it is (ubus call system board), as an OpenWrt router would',
      next: 'Check that --host is the OpenWrt router',
    })
  const { model, hostname, version } = board
  const words = more.split('\n')
  if (words[0] !== '0')
    throw new Problem('router-rights-missing', {
      what: WHAT,
      why: 'its configuration is for root alone, and this user is another',
      next: 'Log in as root: --user root',
    })
  if (!words.some((word) => word.endsWith('/fw4')) || isOld(version))
    throw new Problem('router-version-unsupported', {
      what: WHAT,
      why: `it is OpenWrt ${version}, and its firewall is not the one of 22.03 and later (fw4)`,
      next: 'Upgrade the router to OpenWrt 22.03 or newer with sysupgrade',
    })
  return {
    kind: 'openwrt',
    model: `${model} ${quoted(hostname, LONGEST_NAME)}, OpenWrt`,
    version,
    dataPlane: 'kernel',
    remedies: [
      'new-source-port',
      'new-session',
      ...(words.some((word) => word.endsWith('/conntrack')) ? (['forget-flow'] as const) : []),
      'rebuild',
    ],
  }
}

interface Board {
  readonly model: string
  readonly hostname: string
  readonly version: string
}

function boardIn(json: string): Board | null {
  try {
    const { model, hostname, release } = JSON.parse(json) as Record<string, unknown>
    const version = (release as Record<string, unknown> | undefined)?.['version']
    if (typeof version !== 'string') return null
    const named = (value: unknown, otherwise: string): string =>
      typeof value === 'string' && value !== '' ? oneLine(value).slice(0, LONGEST_NAME) : otherwise
    return { model: named(model, 'a router'), hostname: named(hostname, 'OpenWrt'), version: named(version, '') }
  } catch {
    return null
  }
}

/** Whether a version is too old. Vendors' forks have numbers of their own; they are told by their firewall only. */
function isOld(version: string): boolean {
  const [, year] = /^(\d\d)\.\d\d\b/.exec(version) ?? []
  return year !== undefined && Number(year) < 22
}
