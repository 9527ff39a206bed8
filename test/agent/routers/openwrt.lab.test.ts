import { expect } from 'vitest'
import { isOurs, sectionsIn } from '../../contract/openwrt/openwrt-machine.ts'
import { labOpenwrt, openwrtJoinOptions } from '../../lab/places/openwrt.ts'
import { routerJoins } from './router-joins.ts'

routerJoins({
  kind: 'openwrt',
  sessions: 2,
  start: labOpenwrt,
  options: openwrtJoinOptions,
  foreign: (exported) => sectionsIn(exported).filter((section) => !isOurs(section)),
  // The agent's own key is off it, and with it the file that was not there before.
  left: async ({ console }) =>
    expect(await console('ls /etc/dropbear /var/run/homeward 2>/dev/null || true')).not.toMatch(
      /authorized_keys|pending/,
    ),
})
