import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Picture } from '../../lab/picture.ts'
import { isLong } from '../../long.ts'
import type { ScratchMachine } from '../scratch-machine.ts'
import { until, untilUp, type VpsAndPi } from '../vps-and-pi.ts'
import { bootDebians, RELEASES, secondsUntilWorks } from './machines.ts'

/** A closed firewall, as somebody has it who lets ssh in. */
const NFTABLES_CONF = `flush ruleset
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname lo accept
    meta l4proto icmp accept
    tcp dport 22 accept
  }
  chain forward { type filter hook forward priority filter; policy drop; ct state established,related accept; }
}`

/** What dockerd makes at its start, for a container with a published port (Docker 20.10, in Debian 12; its own chains were read there). */
const DOCKER_BEGINS = `
iptables -P FORWARD DROP
for chain in DOCKER DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2 DOCKER-USER; do
  iptables -N $chain 2>/dev/null || iptables -F $chain
done
iptables -t nat -N DOCKER 2>/dev/null || iptables -t nat -F DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
iptables -t nat -A DOCKER -i docker0 -j RETURN
iptables -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8081 -j DNAT --to-destination 172.17.0.2:80
iptables -A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
iptables -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
iptables -A DOCKER-ISOLATION-STAGE-1 -j RETURN
iptables -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
iptables -A DOCKER-ISOLATION-STAGE-2 -j RETURN
iptables -A DOCKER-USER -j RETURN
iptables -I FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -I FORWARD -o docker0 -j DOCKER
iptables -I FORWARD -j DOCKER-ISOLATION-STAGE-1
iptables -I FORWARD -j DOCKER-USER`

const FLUSH_IPTABLES = 'iptables -F; iptables -X; iptables -t nat -F; iptables -t nat -X'

/** In the long run only: both releases are downloaded. One story: each test goes on from the last. */
describe.runIf(isLong).each(RELEASES)(
  'on %s, tunnel and published port come back after',
  { timeout: 900_000 },
  (release) => {
    let machines: VpsAndPi
    let picture: Picture
    let both: readonly ScratchMachine[]

    beforeAll(async () => {
      machines = await bootDebians(release)
      picture = machines.picture
      both = [machines.vps, machines.pi]
    }, 1_800_000)
    afterAll(() => machines.end())

    const onBoth = (script: string) => Promise.all(both.map((machine) => machine.shell(script)))

    async function worksAfter(change: string): Promise<void> {
      await onBoth(change)
      const seconds = await secondsUntilWorks(picture)
      console.log(`${release}: after ${change.trim().split('\n').at(-1)}: ${seconds} s`)
      await untilUp(machines.pi)
      // And nothing is left to do: not only what was asked for here works.
      await until('nothing to plan', async () =>
        /"steps": *\[\]/.test((await machines.pi.shell('homeward plan --json', { allowFailure: true })).stdout),
      )
    }

    test('nftables.service with a closed firewall', async () => {
      await onBoth(`cat >/etc/nftables.conf <<'X'\n#!/usr/sbin/nft -f\n${NFTABLES_CONF}\nX`)
      await worksAfter('systemctl start nftables')
      for (let round = 0; round < 3; round += 1) await worksAfter('systemctl restart nftables')
      await worksAfter('systemctl reload nftables')
      await worksAfter('systemctl stop nftables')
    })

    test('ufw', async () => {
      await onBoth('ufw allow 22/tcp')
      await worksAfter('ufw --force enable')
      await worksAfter('ufw reload')
      await worksAfter('systemctl restart ufw')
      await worksAfter('ufw disable')
    })

    test('firewalld', async () => {
      for (const change of [
        'systemctl start firewalld',
        'systemctl restart firewalld',
        'firewall-cmd --reload',
        'firewall-cmd --complete-reload',
        'systemctl stop firewalld',
      ])
        await worksAfter(change)
    })

    test('Docker, whose rules are flushed and made again', async () => {
      await onBoth('ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up')
      await worksAfter(DOCKER_BEGINS)
      await worksAfter(FLUSH_IPTABLES)
      await worksAfter(`${FLUSH_IPTABLES}\n${DOCKER_BEGINS}`)
    })
  },
)
