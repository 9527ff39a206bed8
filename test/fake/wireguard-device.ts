import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tryCommand } from '../../system/process/run-command.ts'
import { sleep } from '../../system/time/sleep.ts'

/** Makes a WireGuard interface again: the kernel's, or wireguard-go's where the kernel has none. */
export async function makeWireguardDevice(name: string): Promise<void> {
  await tryCommand('ip', ['link', 'del', 'dev', name])
  if ((await tryCommand('ip', ['link', 'add', 'dev', name, 'type', 'wireguard'])).exitCode === 0) return
  const socket = `/var/run/wireguard/${name}.sock`
  const env = { ...process.env, WG_PROCESS_FOREGROUND: '1', WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD: '1' }
  for (const until = Date.now() + 5_000; existsSync(socket) && Date.now() < until; ) await sleep(10)
  spawn('wireguard-go', [name], { stdio: 'ignore', detached: true, env }).unref()
  for (const until = Date.now() + 10_000; Date.now() < until; await sleep(10))
    if (existsSync(socket) && (await tryCommand('wg', ['show', name])).exitCode === 0) return
  throw new Error(`wireguard-go did not come up for ${name}`)
}
