import { joinOptions, labMikrotik, type LabMikrotik } from '../../lab/places/mikrotik.ts'
import { routerEvents } from './router-events.ts'

const exported =
  (pattern: RegExp) =>
  async ({ export: text }: LabMikrotik): Promise<boolean> =>
    pattern.test(await text())

routerEvents<LabMikrotik>({
  usual: 'flood',
  start: labMikrotik,
  options: joinOptions,
  deletions: {
    interface: ['/interface/wireguard/remove [find where name=hw0]', exported(/comment="?homeward hw0"? .*name=hw0/)],
    peer: [
      '/interface/wireguard/peers/remove [find where interface=hw0]',
      exported(/allowed-address=\S+ comment="?homeward hw0"?/),
    ],
    address: [
      '/ip/address/remove [find where interface=hw0]',
      exported(/address=10\.86\.\S+ .*comment="?homeward hw0"/),
    ],
    route: [
      '/ip/route/remove [find where comment~"^homeward hw0 "]',
      exported(/comment="homeward hw0 [^"]+".* dst-address=10\.86\.0\.0\/16/),
    ],
    filter: [
      '/ip/firewall/filter/remove [find where comment="homeward hw0 input-drop"]',
      exported(/homeward hw0 input-drop/),
    ],
    nat: ['/ip/firewall/nat/remove [find where comment~"^homeward hw0 "]', exported(/comment="homeward hw0 out"/)],
    mangle: ['/ip/firewall/mangle/remove [find where comment~"^homeward hw0 "]', exported(/homeward hw0 mss-in/)],
  },
  askMs: 20,
  isKept: async ({ sessions }) => (await sessions()) === 1,
  unfelt: ['route', 'filter', 'mangle'],
  ends: {
    'the session is ended': ({ drop }) => drop('fatal'),
    'the session is reset': ({ drop }) => drop('rst'),
    'the session says what nobody understands': ({ drop }) => drop('garbage'),
  },
  leftovers: async ({ sessions }) => ((await sessions()) === 1 ? '' : 'sessions'),
  silence: ({ drop }) => drop('silent'),
  flood: async ({ console }) => {
    // Rules of the owner's, each of which may judge what ours let pass.
    for (let rule = 0; rule < 100; rule += 1)
      await console(`/ip/firewall/filter/add chain=output action=accept comment="mine ${rule}"`)
    await console('/ip/firewall/filter/remove [find where comment~"^mine "]')
  },
})
