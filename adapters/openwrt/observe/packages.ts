import { Problem } from '../../../problems/problem.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { freeKib } from '../flash/put-file.ts'
import { type Connection, type Exec, Refused } from '../ssh/exec.ts'

/** Flash to have free: wireguard-tools with its kernel modules takes 150 to 250 on an overlay (arm64 build's sizes). */
const NEEDED_KIB = 400
/** How long an installation may take: routers have slow lines and small processors. */
const INSTALL_MS = 180_000
const RESTART_MS = 60_000
const ASK_AGAIN_MS = 500

const WHAT = 'installing wireguard-tools'

/** apk came with 25.12, and where both are it is the one that works. No installed package is upgraded. */
const SCRIPT = `if command -v apk >/dev/null; then apk update 2>&1 && apk add wireguard-tools 2>&1
elif command -v opkg >/dev/null; then opkg update 2>&1 && opkg install wireguard-tools 2>&1
else echo 'no package manager'; exit 1; fi
code=$?
modprobe wireguard 2>/dev/null
exit $code`

/** Prints the free flash. Images on a disk of their own (x86) have no /overlay. */
const FREE = `[ -d /overlay ] && on=/overlay || on=/; ${freeKib('$on')}`

/**
 * Installs WireGuard's tools.
 * @throws {Problem} `router-flash-full`, `router-packages-unreachable`, `router-packages-mismatch`, or the router's
 * words as a {@link Refused}.
 */
export async function installWireguard(exec: Exec, signal: AbortSignal): Promise<void> {
  const free = Number((await exec(FREE, { signal })).stdout.trim() || Number.NaN)
  if (free < NEEDED_KIB)
    throw new Problem('router-flash-full', {
      what: WHAT,
      why: `its flash has ${free} KiB left, and ${NEEDED_KIB} are needed`,
    })
  const outcome = await exec(SCRIPT, { signal, timeoutMs: INSTALL_MS })
  if (outcome.code === 0) return
  throw whyNot(outcome.stdout) ?? new Refused(outcome)
}

/**
 * The meaning of the package manager's errors, for those that can be told apart.
 * @param said opkg's or apk's output.
 */
export function whyNot(said: string): Problem | null {
  const line = (pattern: RegExp): string | null =>
    said
      .split('\n')
      .find((one) => pattern.test(one))
      ?.trim() ?? null
  const full = line(/verify_pkg_installable: Only have|No space left on device/)
  if (full !== null) return new Problem('router-flash-full', { what: WHAT, why: full })
  const mismatch = line(
    /no package manager|cannot find dependency kernel|incompatible with the architectures|kernel-\S+: breaks:|breaks: kmod-\S*\[kernel/,
  )
  if (mismatch !== null) return new Problem('router-packages-mismatch', { what: WHAT, why: mismatch })
  const unreachable = line(
    /wget returned|Failed to download|wget: exited with error|unexpected end of file|unable to select packages|Unknown package/,
  )
  if (unreachable === null) return null
  const tls = /wget returned (5|6)\b/.test(said) ? ' (its clock may be wrong: TLS needs it)' : ''
  return new Problem('router-packages-unreachable', { what: WHAT, why: `${unreachable}${tls}` })
}

/** Restarts netifd, which executes itself again; the connection to the router may be gone during that. */
export async function restartNetwork(
  { exec, ask }: Pick<Connection, 'exec' | 'ask'>,
  signal: AbortSignal,
): Promise<void> {
  await exec('ubus call network restart', { signal }).catch(() => undefined)
  const until = Date.now() + RESTART_MS
  for (;;) {
    await sleep(ASK_AGAIN_MS, signal)
    signal.throwIfAborted()
    const outcome = await ask('ubus call network get_proto_handlers', { signal }).catch(() => null)
    if (outcome?.stdout.includes('"wireguard"') === true) return
    if (Date.now() > until)
      throw new TypeError('its network service was restarted and still does not know the protocol wireguard')
  }
}
