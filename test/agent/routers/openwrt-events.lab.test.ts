import { sleep } from '../../../system/time/sleep.ts'
import { type LabOpenwrt, labOpenwrt, openwrtJoinOptions } from '../../lab/places/openwrt.ts'
import { routerEvents } from './router-events.ts'

const shown =
  (script: string) =>
  ({ console }: LabOpenwrt): Promise<boolean> =>
    console(script).then(
      () => true,
      () => false,
    )

const SHELLS = 'for f in /var/run/homeward/heed.*; do'

const written = (section: string): string => `grep -q " '${section}'$" /etc/config/network /etc/config/firewall`
const runs = shown(`${written('hw0')} && [ -n "$(wg show hw0 peers)" ]`)

routerEvents<LabOpenwrt>({
  usual: 'silence',
  start: (lab) => labOpenwrt(lab, { setupMs: 100 }),
  options: openwrtJoinOptions,
  deletions: {
    interface: ['uci delete network.hw0; uci commit network; ubus call network reload', runs],
    'the interface, taken down': ['ubus call network.interface.hw0 down', runs],
    'the device': ['ip link del hw0', runs],
    'the section alone': ['uci delete network.hw0; uci commit network', shown(written('hw0'))],
    'a rule': [
      'uci delete firewall.homeward_hw0_in; uci commit firewall; fw4 reload',
      shown(written('homeward_hw0_in')),
    ],
    'the zone': ['uci delete firewall.homeward_hw0_zone; uci commit firewall', shown(written('homeward_hw0_zone'))],
  },
  askMs: 100,
  isKept: shown('[ ! -e /var/run/homeward/pending ]'),
  unfelt: ['the zone', 'a rule'],
  ends: {
    'the shell is killed, as for want of memory': ({ console }) => console(`${SHELLS} kill -KILL \${f##*.}; done`),
    'the bus is started again': ({ ubus }) => ubus('restart'),
    'all sessions are cut': ({ cut }) => cut(),
    'the shell says what nobody asked': ({ console }) => console(`${SHELLS} echo rubbish > /proc/\${f##*.}/fd/1; done`),
  },
  // One shell, and one program that listens.
  leftovers: async ({ console }) => {
    const count =
      'n=0; for p in /proc/[0-9]*; do [ ${p##*/} != $$ ] || continue; c=; read -r c < $p/cmdline || true; case $c in *ubus*listen*) n=$((n + 1)) ;; esac; done'
    const [shells, listening] = (
      await console(`ls /var/run/homeward/heed.* | wc -l; { ${count}; } 2>/dev/null; echo $n`)
    )
      .trim()
      .split(/\s+/)
    return shells === '1' && listening === '1' ? '' : `${shells} shells, ${listening} that listen`
  },
  // A shell that hangs, as one that the router has no memory for.
  silence: ({ console }) => console(`${SHELLS} kill -STOP \${f##*.}; done`).then(() => undefined),
  flood: async ({ event }) => {
    for (let burst = 0; burst < 150; burst += 1) {
      await event('hw0', 20)
      await event('guest', 20)
      await sleep(100)
    }
  },
})
