import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { applyDesired } from '../../../adapters/apply.ts'
import { sleep } from '../../../system/time/sleep.ts'
import type { OpenAdapter } from '../machine.ts'
import { type OpenwrtMachine, startOpenwrtMachine } from './openwrt-machine.ts'
import { homeSpec } from '../specs.ts'
import { someOf } from '../../long.ts'
import { homeForwarding } from '../../adapters/forwarding.ts'
import { only } from '../../adapters/only.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

/** Longer than a change takes on a busy machine, which would else be undone before it is looked at. */
const ROLLBACK_SECONDS = 20
const signal = (): AbortSignal => AbortSignal.timeout(120_000)

/** Each way that a router can be left alone with a change that nobody kept. */
describe('a router that undoes by itself', () => {
  let machine: OpenwrtMachine
  let spec: TunnelSpec
  beforeAll(async () => {
    machine = await startOpenwrtMachine('24.10', { rollbackSeconds: ROLLBACK_SECONDS })
    spec = homeSpec(machine.keys)
  })
  afterAll(() => machine?.close())

  const ENDINGS: Readonly<Record<string, (adapter: OpenAdapter) => Promise<void>>> = {
    'the agent killed': (adapter) => adapter.kill(),
    'SSH cut, and the agent with it': async (adapter) => {
      await machine.router.cut()
      await adapter.kill()
    },
    'the Pi unplugged': async (adapter) => {
      await machine.pi.run('ip', ['link', 'set', 'eth0', 'down'])
      await adapter.kill()
    },
  }

  /** What is configured, and what runs. Handshakes and ports are of the moment. */
  async function state(): Promise<string> {
    const running = await machine.router.console(
      'wg show all allowed-ips; wg show all persistent-keepalive; wg show all endpoints; ip -4 -o addr show | sed "s/ *valid_lft.*//"; ls /var/run/homeward 2>/dev/null | grep pending || true',
    )
    return `${await machine.export()}\n${running.replaceAll(/^\d+: /gm, '')}`
  }

  async function isUndone(before: string, when: string): Promise<void> {
    try {
      await vi.waitFor(async () => expect(await state(), when).toBe(before), { timeout: 90_000, interval: 200 })
    } finally {
      await machine.pi.run('ip', ['link', 'set', 'eth0', 'up'])
    }
  }

  async function stepsTo(adapter: OpenAdapter, wanted: TunnelSpec) {
    return adapter.plan(await adapter.observe(signal()), only(wanted)).steps
  }

  test.each(Object.keys(ENDINGS))('%s, after each step', async (ending) => {
    const before = await state()
    const first = await machine.open()
    const count = (await stepsTo(first, spec)).length
    await first.close()
    // All but the last, which keeps what was changed.
    const numbers = Array.from({ length: count - 1 }, (_, index) => index + 1)
    for (const done of someOf(numbers, ending === 'the agent killed' ? 3 : 1)) {
      const adapter = await machine.open()
      const steps = await stepsTo(adapter, spec)
      for (const step of steps.slice(0, done)) await adapter.execute(step, signal())
      await ENDINGS[ending]!(adapter)
      await isUndone(before, `${ending}, ${steps[done - 1]?.kind}`)
    }
  })

  test('in the midst of making it so, and with a tunnel that stood', async () => {
    const adapter = await machine.open()
    await applyDesired(adapter, only(spec), signal())
    await adapter.close()
    const before = await state()
    const [peer] = spec.peers
    const wanted: TunnelSpec = {
      ...spec,
      mtu: 1300,
      peers: [{ ...peer!, keepaliveSeconds: 10 }],
      forwarding: homeForwarding({ lan: ['192.168.7.0/24'], mode: 'routed' }),
    }
    for (const afterMs of someOf([800, 200], 1))
      for (const ending of someOf(Object.values(ENDINGS), 2)) {
        const adapter = await machine.open()
        const steps = await stepsTo(adapter, wanted)
        expect(steps, `after ${afterMs} ms`).not.toEqual([])
        for (const step of steps.slice(0, -2)) await adapter.execute(step, signal())
        const activating = adapter.execute(steps.at(-2)!, signal()).catch(() => undefined)
        await sleep(afterMs)
        await ending(adapter)
        await Promise.race([activating, sleep(100)])
        // What still runs on the router comes to its end first.
        await sleep(ROLLBACK_SECONDS * 1_000)
        await isUndone(before, `after ${afterMs} ms`)
      }
    const last = await machine.open()
    await applyDesired(last, [], signal())
    await last.close()
  })

  test('what its owner committed meanwhile stays, and ours alone is undone: by the agent, and by the router', async () => {
    const files = (): Promise<string> => machine.router.console('cat /etc/config/network /etc/config/firewall')
    const before = await files()
    for (const by of ['the agent', 'the router']) {
      const adapter = await machine.open()
      const steps = await stepsTo(adapter, spec)
      for (const step of steps.slice(0, -1)) await adapter.execute(step, signal())
      await machine.router.console(
        `uci set network.lan.note='mine'; uci set firewall.mine=rule; uci set firewall.mine.name='by ${by}'; uci set firewall.mine.src=lan; uci set firewall.mine.target=ACCEPT; uci commit`,
      )
      if (by === 'the agent') await adapter.execute({ kind: 'revert-changes' }, signal())
      await adapter.kill()
      await vi.waitFor(async () => expect(await machine.leftovers(), by).toEqual([]), {
        timeout: 90_000,
        interval: 200,
      })
      const after = await files()
      expect(after).toContain(`option name 'by ${by}'`)
      expect(after).toContain("option note 'mine'")
      await machine.router.console('uci delete network.lan.note; uci delete firewall.mine; uci commit')
      expect(await files(), by).toBe(before)
    }
  })

  test('what LuCI applied and has not confirmed is waited for, and takes nothing of ours away, or back', async () => {
    const luci = (seconds: number): Promise<string> =>
      machine.router.console(
        `uci -t /var/run/rpcd/uci-x set network.lan.note='luci'; ubus call uci apply '{"ubus_rpc_session":"x","rollback":true,"timeout":${seconds}}'`,
      )
    const confirm = (): Promise<string> =>
      machine.router.console(
        `ubus call uci confirm '{"ubus_rpc_session":"x"}'; uci delete network.lan.note; uci commit`,
      )
    const isTakenBack = async (): Promise<void> => {
      const noted = (): Promise<string> => machine.router.console('uci -q get network.lan.note || true')
      await vi.waitFor(async () => expect(await noted()).toBe(''), { timeout: 60_000, interval: 200 })
    }
    const adapter = await machine.open()
    const steps = await stepsTo(adapter, spec)
    await luci(60)
    const { refusals } = adapter.plan(await adapter.observe(signal()), only(spec))
    expect(refusals).toMatchObject([
      { code: 'router-apply-unconfirmed', why: expect.stringMatching(/confirmation, \d+ s left/) },
    ])
    // It began between the look and the change.
    for (const step of steps.slice(0, -2)) await adapter.execute(step, signal())
    await expect(adapter.execute(steps.at(-2)!, signal())).rejects.toMatchObject({ code: 'router-apply-unconfirmed' })
    await adapter.execute({ kind: 'revert-changes' }, signal())
    await confirm()

    // LuCI applies while a change of ours waits for its proof, which does not come; nor does LuCI's.
    for (const step of (await stepsTo(adapter, spec)).slice(0, -1)) await adapter.execute(step, signal())
    await luci(5)
    await adapter.execute({ kind: 'revert-changes' }, signal())
    await isTakenBack()
    expect(await machine.leftovers()).toEqual([])
    await adapter.close()
  })

  test('comments of others stay through a change, and afterwards both files are what they were, byte for byte', async () => {
    const files = (): Promise<string> => machine.router.console('cat /etc/config/network /etc/config/firewall')
    const whole = await files()
    await machine.router.console(
      'for f in network firewall; do { echo "# mine: $f"; sed "s/^config /# about it\\nconfig /" /etc/config/$f; echo "# the end"; } > /tmp/f && cat /tmp/f > /etc/config/$f; done',
    )
    const before = await files()
    const adapter = await machine.open()
    await applyDesired(adapter, only(spec), signal())
    expect((await files()).match(/^# /gm)).toHaveLength(before.match(/^# /gm)!.length)
    await applyDesired(adapter, only({ ...spec, mtu: 1300 }), signal())
    await applyDesired(adapter, [], signal())
    expect(await files()).toBe(before)
    await adapter.close()
    await machine.router.console('for f in network firewall; do sed -i "/^# /d" /etc/config/$f; done')
    expect(await files()).toBe(whole)
  })

  test('a router that another process changes is busy, and not silent', async () => {
    const adapter = await machine.open()
    await adapter.observe(signal())
    await machine.router.console('(exec 9>/var/run/homeward/lock; flock 9; sleep 9) >/dev/null 2>&1 </dev/null &')
    await expect(adapter.observe(signal())).rejects.toMatchObject({ code: 'router-busy' })
    await adapter.close()
  })

  test('a firewall that restarts is no drift', async () => {
    const adapter = await machine.open()
    await applyDesired(adapter, only(spec), signal())
    const restarted = machine.router.console('fw4 restart')
    await vi.waitFor(async () => expect(await machine.router.console('nft list tables')).not.toContain('fw4'), {
      timeout: 30_000,
      interval: 10,
    })
    expect(await stepsTo(adapter, spec)).toEqual([])
    await restarted
    await applyDesired(adapter, [], signal())
    await adapter.close()
  })

  test('what only runs is repaired beside a change that somebody has not committed, which takes no effect by it', async () => {
    const adapter = await machine.open()
    await applyDesired(adapter, only(spec), signal())
    await machine.router.console(
      'uci set network.lan.mtu=1400; uci set firewall.mine=rule; uci set firewall.mine.name=mine',
    )
    const lan = (): Promise<string> =>
      machine.router.console('ip -o link show dev lan0 | sed "s/^[0-9]*: //"; uci changes')
    const before = await lan()
    for (const drift of [
      'ip link del hw0',
      'nft flush chain inet fw4 forward',
      'wg set hw0 peer "$(wg show hw0 peers)" remove',
    ]) {
      await machine.router.console(drift)
      await applyDesired(adapter, only(spec), signal())
      expect(
        (await stepsTo(adapter, spec)).map(({ kind }) => kind),
        drift,
      ).toEqual([])
    }
    await adapter.remedy({ kind: 'rebuild', interface: 'hw0' }, signal())
    expect(await lan()).toBe(before)
    await expect(applyDesired(adapter, only({ ...spec, mtu: 1300 }), signal())).rejects.toMatchObject({
      code: 'router-changes-pending',
    })
    await machine.router.console('uci revert network; uci revert firewall')
    await applyDesired(adapter, [], signal())
    await adapter.close()
  })

  test('what somebody has not committed stops the plan, and is not committed', async () => {
    const user = "uci set network.lan.netmask='255.255.0.0'"
    const committed = (): Promise<string> => machine.router.console('cat /etc/config/network /etc/config/firewall')
    const pending = (): Promise<string> => machine.router.console('uci changes network')
    const before = await committed()
    const adapter = await machine.open()
    const steps = await stepsTo(adapter, spec)

    await machine.router.console(user)
    const { refusals } = adapter.plan(await adapter.observe(signal()), only(spec))
    expect(refusals).toMatchObject([{ code: 'router-changes-pending' }])
    expect(refusals[0]?.why).toContain('network.lan.netmask')

    // It began between the look and the change.
    await machine.router.console('uci revert network')
    await adapter.execute(steps[0]!, signal())
    await machine.router.console(user)
    for (const step of steps.slice(1, -2)) await adapter.execute(step, signal())
    await expect(adapter.execute(steps.at(-2)!, signal())).rejects.toMatchObject({ code: 'router-changes-pending' })
    await adapter.execute({ kind: 'revert-changes' }, signal())
    await adapter.close()
    expect(await committed()).toBe(before)
    expect(await pending()).toContain("network.lan.netmask='255.255.0.0'")
    await machine.router.console('uci revert network')
  })
})
