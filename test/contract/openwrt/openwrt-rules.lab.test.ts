import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { applyDesired } from '../../../adapters/apply.ts'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { homeForwarding } from '../../adapters/forwarding.ts'
import { someOf } from '../../long.ts'
import type { OpenAdapter } from '../machine.ts'
import { homeSpec } from '../specs.ts'
import { type OpenwrtMachine, sectionsIn, startOpenwrtMachine } from './openwrt-machine.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const signal = (): AbortSignal => AbortSignal.timeout(60_000)
/** Of a change's programs, after which somebody looks in the usual run; some leave sections staged for a moment. */
const MOMENTS = 12
const RULES = '/etc/nftables.d/homeward-hw0-*'

/** The one file of ours on a router, and the ways of answers to visitors, with all that somebody may do to them. */
describe('a router’s file of rules', () => {
  let machine: OpenwrtMachine
  let adapter: OpenAdapter
  let plain: TunnelSpec
  let full: TunnelSpec
  beforeAll(async () => {
    machine = await startOpenwrtMachine('24.10', { rollbackSeconds: 30 })
    plain = homeSpec(machine.keys)
    const [peer] = plain.peers
    full = {
      ...plain,
      peers: [{ ...peer!, allowedIps: ['0.0.0.0/0'] }],
      forwarding: homeForwarding({
        lan: ['192.168.1.0/24'],
        mode: 'routed',
        visitors: true,
        exit: true,
        seenAs: [{ prefix: '192.168.1.0/24', seen: '10.168.1.0/24' }],
      }),
    }
    adapter = await machine.open()
  })
  afterAll(() => machine?.close())

  const run = (script: string): Promise<string> => machine.router.console(script)
  const bring = (...specs: readonly TunnelSpec[]) => applyDesired(adapter, specs, signal())
  const plan = async (...specs: readonly TunnelSpec[]) => adapter.plan(await adapter.observe(signal()), specs)
  /** In no order: what was deleted comes back at the end of its file. */
  const sections = async (): Promise<readonly string[]> => sectionsIn(await run('uci export')).toSorted()
  const ways = async (): Promise<string> =>
    (
      await machine.host.shell(
        'ip rule show; ip route show table 186 2>/dev/null || true; ip rule show | grep -c "^86[12]:" || true',
      )
    ).stdout

  const DRIFTS = {
    'the file is deleted': `rm ${RULES}`,
    'the file is changed': `sed -i 's/10.86.0.0/10.99.0.0/' ${RULES}`,
    'the file is changed, and loaded': `sed -i 's/10.86.0.0/10.99.0.0/' ${RULES}; fw4 reload`,
    'the section that loads it is deleted': 'uci delete firewall.homeward_hw0_include; uci commit firewall; fw4 reload',
    'the section loads another file':
      'uci set firewall.homeward_hw0_include.path=/etc/x; uci commit firewall; fw4 reload',
    'its rules are flushed': 'nft flush chain inet fw4 homeward_hw0_filter_prerouting_m290',
    'one of its rules is deleted':
      'nft delete rule inet fw4 homeward_hw0_filter_prerouting_350 handle $(nft -a list chain inet fw4 homeward_hw0_filter_prerouting_350 | sed -n "s/.*reply.*handle //p")',
    'the policy rule is deleted':
      'uci delete network.homeward_hw0_answers; uci commit network; ubus call network reload',
    'the policy rule’s section is deleted, and the rule runs on':
      'uci delete network.homeward_hw0_answers; uci commit network',
    'the mark of the policy rule is changed':
      'uci set network.homeward_hw0_answers.mark=0x1; uci commit network; ubus call network reload',
    'the route of answers is deleted':
      'uci delete network.homeward_hw0_answerway; uci commit network; ubus call network reload',
  } as const
  test.each(Object.keys(DRIFTS) as (keyof typeof DRIFTS)[])('%s: seen and mended', async (drift) => {
    const foreign = await machine.foreign('hw0')
    await bring(full)
    expect(await plan(full)).toMatchObject({ steps: [], refusals: [] })
    const all = async () => [await sections(), await ways(), await run(`cat ${RULES}`)]
    const before = await all()
    await run(DRIFTS[drift])
    expect((await plan(full)).steps, drift).not.toEqual([])
    await bring(full)
    expect(await plan(full)).toMatchObject({ steps: [], refusals: [] })
    expect(await all()).toEqual(before)
    expect(await machine.foreign('hw0')).toBe(foreign)
  })

  const ON_THE_KERNEL = {
    'the running policy rule': 'ip rule del priority 861',
    'the running rule behind it': 'ip rule del priority 862',
    'the running route': 'ip route flush table 186',
  } as const
  test.each(Object.keys(ON_THE_KERNEL) as (keyof typeof ON_THE_KERNEL)[])(
    '%s is deleted: made to run again, and nothing is written to flash',
    async (drift) => {
      await bring(full)
      const before = await ways()
      const files = await run('ls -l --full-time /etc/config /etc/nftables.d 2>/dev/null || ls -l /etc/config')
      await machine.host.shell(ON_THE_KERNEL[drift])
      expect((await plan(full)).steps.map(({ kind }) => kind)).toContain('lead-visitors')
      await bring(full)
      expect(await ways()).toBe(before)
      expect(await run('ls -l --full-time /etc/config /etc/nftables.d 2>/dev/null || ls -l /etc/config')).toBe(files)
      expect(await run('uci changes')).toBe('')
    },
  )

  test('answers are led again under the lock that looks take: what is staged for it is never taken for its owner’s', async () => {
    await bring(full)
    const lead = async (after: number, script: string): Promise<number> => {
      await machine.host.shell('ip rule del priority 861')
      await machine.router.interject(after, script)
      await bring(full)
      return machine.router.counted()
    }
    const looks = `exec 9>/var/run/homeward/lock; if flock -s -n 9; then uci changes >> /tmp/staged; fi; : > /tmp/looked`
    const count = await lead(100_000, 'true')
    for (const after of someOf(
      Array.from({ length: count }, (_, index) => index + 1),
      MOMENTS,
    ))
      await lead(after, looks)
    expect(await run('ls /tmp/looked; cat /tmp/staged')).toBe('/tmp/looked\n')
  })

  test('answers are not led again beside what its owner has staged, and it is said why', async () => {
    await bring(full)
    const before = await ways()
    await machine.host.shell('ip rule del priority 861')
    await run("uci set network.lan.note='x'")
    await expect(bring(full)).rejects.toMatchObject({ message: expect.stringContaining('uci changes network') })
    expect(await run('uci changes')).toContain('network.lan.note')
    await run('uci revert network')
    await bring(full)
    expect(await ways()).toBe(before)
  })

  test('leftovers of the ways of answers go where nobody visits any more', async () => {
    await bring(full)
    await run('uci delete network.homeward_hw0_answers; uci commit network')
    await bring(plain)
    expect(await run('uci show network')).not.toMatch(/homeward_hw0_(no)?answer/)
    expect((await machine.host.shell('ip rule show')).stdout).not.toContain('fwmark')
  })

  test('is another one when what is wanted changes, and only the one in use is there', async () => {
    await bring(full)
    const before = await run(`ls ${RULES}`)
    await bring(plain)
    const after = await run(`ls ${RULES}`)
    expect(after.trim().split('\n')).toHaveLength(1)
    expect(after).not.toBe(before)
    expect(await run('nft list table inet fw4')).not.toMatch(/chain homeward_hw0_\w+_350/)
    expect((await machine.host.shell('ip rule show')).stdout).not.toContain('fwmark')
  })

  test('says that a strict filter of forged sources drops visitors, and stands in a plan with its path', async () => {
    await bring()
    const filter = (value: number) =>
      machine.host.shell(`for i in all hw0; do echo ${value} > /proc/sys/net/ipv4/conf/$i/rp_filter; done`)
    const planned = await plan(full)
    await bring(full)
    await filter(1)
    expect((await plan(full)).warnings.join()).toContain('rp_filter 1')
    expect((await plan(plain)).warnings.join()).not.toContain('rp_filter')
    // Of both values the larger counts, so that 0 for all would change nothing here.
    await machine.host.shell('echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter')
    expect((await plan(full)).warnings.join()).toContain('set net.ipv4.conf.all.rp_filter to 2 on the router')
    await machine.host.shell('echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter')
    expect((await plan(full)).warnings.join()).not.toContain('rp_filter')
    await filter(0)
    const files = [(await run(`ls ${RULES}`)).trim()]
    expect(planned.steps).toContainEqual(expect.objectContaining({ kind: 'set-firewall', files }))
    expect((await plan()).steps).toContainEqual({ kind: 'remove-firewall', files })
  })

  test('is the old one again when the router takes a change back by itself', async () => {
    await bring(plain)
    const all = async () => [await run('uci export'), await run(`cat ${RULES}`), await ways()]
    const before = await all()
    const agent = await machine.open()
    const { steps } = agent.plan(await agent.observe(signal()), [full])
    for (const step of steps.slice(0, -1)) await agent.execute(step, signal())
    expect((await run(`ls ${RULES}`)).trim().split('\n')).toHaveLength(2)
    expect(await ways()).toContain('fwmark')
    await agent.kill()
    await vi.waitFor(async () => expect(await run('ls /var/run/homeward')).not.toContain('pending'), {
      timeout: 90_000,
      interval: 500,
    })
    await vi.waitFor(async () => expect(await all()).toEqual(before), { timeout: 30_000, interval: 500 })
    expect(await plan(plain)).toMatchObject({ steps: [], refusals: [] })
  })

  test('that fw4 refuses is taken back before anything of it is loaded', async () => {
    await bring()
    const before = [await run('uci export'), await run('nft list table inet fw4')]
    await machine.router.refuse('^fw4 check')
    await expect(bring(full)).rejects.toMatchObject({ code: 'step-failed', message: expect.stringContaining('fw4') })
    await machine.router.refuse(null)
    expect([await run('uci export'), await run('nft list table inet fw4')]).toEqual(before)
    expect(await machine.leftovers()).toEqual([])
    expect(await machine.router.commands()).toMatch(/^fw4 check$/m)
  })

  test('comes into no firewall that its owner has broken, and the owner’s runs on', async () => {
    await bring()
    await run(`mkdir -p /etc/own; echo 'chain own {' > /etc/own/rules.nft
uci set firewall.own=include; uci set firewall.own.type=nftables; uci set firewall.own.position=table-append; uci set firewall.own.path=/etc/own/rules.nft; uci commit firewall`)
    const before = [await run('uci export'), await run('nft list table inet fw4')]
    const refused: unknown = await bring(full).catch((thrown: unknown) => thrown)
    expect(String(refused)).toMatch(/also without homeward.s rules: .*syntax error/s)
    expect(String(refused)).not.toContain('nftables.d/homeward')
    expect([await run('uci export'), await run('nft list table inet fw4')]).toEqual(before)
    await run('rm -r /etc/own; uci delete firewall.own; uci commit firewall')
    await bring(full)
    await bring()
    expect(await machine.leftovers()).toEqual([])
  })

  test('that lies there without its section goes with the next look, which says what is then', async () => {
    await bring(plain)
    const text = await run(`cat ${RULES}`)
    await bring()
    await run(`cat > /etc/nftables.d/homeward-hw0-0123456789ab.inc <<'X'\n${text}X`)
    expect((await plan()).steps).toEqual([])
    expect(await machine.leftovers()).toEqual([])
  })

  test('keeps out of the marks that its owner uses', async () => {
    await bring(full)
    await run(
      'uci set firewall.vpn=rule; uci set firewall.vpn.name=vpn; uci set firewall.vpn.src=lan; uci set firewall.vpn.proto=all; uci set firewall.vpn.mark=0x10000000/0xf0000000; uci set firewall.vpn.target=ACCEPT; uci commit firewall',
    )
    const { steps } = await plan(full)
    expect(steps).toContainEqual({
      kind: 'lead-visitors',
      interface: 'hw0',
      slot: 8,
      because: 'firewall.vpn uses the marks that homeward usually does',
    })
    await bring(full)
    expect(await plan(full)).toMatchObject({ steps: [], refusals: [] })
    expect(await run(`cat ${RULES}`)).toContain('0x00860000')
    expect((await machine.host.shell('ip rule show')).stdout).toMatch(/fwmark 0x860000\/0xff0000 lookup 194/)
    expect((await machine.host.shell('ip rule show')).stdout).not.toContain('0x86000000')
    await run('uci delete firewall.vpn; uci commit firewall')
    await bring()
    expect(await machine.leftovers()).toEqual([])
  })
})
