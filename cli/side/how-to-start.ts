import { isThere } from '../../system/files/is-there.ts'

/** There while systemd runs the machine (sd_booted(3)). */
const BOOTED = '/run/systemd/system'

/** How to start homeward on this machine, by what there is on it. */
export async function howToStart(role: 'home' | 'hub', booted = BOOTED): Promise<string> {
  const [unit, command] = role === 'home' ? ['homeward', 'homeward run'] : ['homeward-hub', 'homeward hub run']
  return (await isThere(booted)) ? `sudo systemctl start ${unit}` : `sudo ${command}, which stays in the foreground`
}
