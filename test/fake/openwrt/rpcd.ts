import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Uci } from './uci.ts'

/**
 * The part of rpcd by which LuCI applies changes: committed at once, and taken back by a timer unless they are confirmed.
 * What is staged lies in /var/run/rpcd/uci-SESSION; snapshots are whole files (rpcd's uci.c, rpc_uci_apply).
 */
export interface Rpcd {
  /** @returns false while another apply waits for its confirmation. */
  readonly apply: (session: string, timeoutSeconds: number) => Promise<boolean>
  /** @returns false when nothing waits, or another's. */
  readonly confirm: (session: string) => boolean
  /** Its timer is in RAM: what was applied stays. */
  readonly powerLost: () => void
}

export interface RpcdDeps {
  readonly root: string
  readonly uci: Uci
  /** Has the service of a configuration read it again. */
  readonly changed: (config: string) => Promise<void>
}

export function makeRpcd({ root, uci, changed }: RpcdDeps): Rpcd {
  const snapshots = join(root, 'tmp/run/rpcd/snapshot-files')
  const fileOf = (config: string): string => join(root, 'etc/config', config)
  let waiting: { readonly session: string; readonly timer: NodeJS.Timeout } | null = null

  const purge = (): void => {
    if (waiting !== null) clearTimeout(waiting.timer)
    waiting = null
    for (const config of readdirSync(snapshots)) rmSync(join(snapshots, config))
  }

  async function rollBack(): Promise<void> {
    const configs = readdirSync(snapshots)
    for (const config of configs) copyFileSync(join(snapshots, config), fileOf(config))
    purge()
    for (const config of configs) await changed(config)
  }

  return {
    apply: async (session, timeoutSeconds) => {
      if (waiting !== null) return false
      mkdirSync(snapshots, { recursive: true, mode: 0o700 })
      purge()
      const staged = `/var/run/rpcd/uci-${session}`
      const folder = join(root, 'tmp/run/rpcd', `uci-${session}`)
      const configs = existsSync(folder)
        ? readdirSync(folder).filter((config) => statSync(join(folder, config)).size > 0)
        : []
      for (const config of configs) {
        copyFileSync(fileOf(config), join(snapshots, config))
        uci.run(['-t', staged, 'commit', config], '')
        await changed(config)
      }
      waiting = { session, timer: setTimeout(() => void rollBack(), timeoutSeconds * 1_000) }
      return true
    },
    powerLost: () => {
      if (waiting !== null) clearTimeout(waiting.timer)
      waiting = null
    },
    confirm: (session) => {
      if (waiting?.session !== session) return false
      purge()
      return true
    },
  }
}
