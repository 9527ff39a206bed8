import { afterEach, describe, expect, test, vi } from 'vitest'
import { applyDesired } from '../../../adapters/apply.ts'
import type { Host } from '../../lab/host/host.ts'
import { type OpenwrtMachine, startOpenwrtMachine } from './openwrt-machine.ts'
import { homeSpec } from '../specs.ts'

vi.setConfig({ testTimeout: 400_000, hookTimeout: 120_000 })

/** Less than a change may take on a busy machine would undo it in the midst. */
const ROLLBACK_SECONDS = 40
const FLASH_KIB = 256
/** What the flash of the laboratory gives room by. */
const PAGE = 4_096
const signal = (): AbortSignal => AbortSignal.timeout(120_000)

/** A real small file system under /etc, and a `uci commit` that leaves 0 bytes on it and says nothing, as OpenWrt's does. */
describe('a router whose flash is full', () => {
  let machine: OpenwrtMachine
  afterEach(() => machine?.close())

  const start = async (): Promise<void> => {
    machine = await startOpenwrtMachine('24.10', { rollbackSeconds: ROLLBACK_SECONDS, flashKib: FLASH_KIB })
  }
  const run = (script: string): Promise<string> => machine.router.console(script)
  /** To the last byte. */
  const fill = (): Promise<string> => run('dd if=/dev/zero of=/overlay/filler bs=1k 2>/dev/null || true')
  const makeRoom = (): Promise<string> => run('rm /overlay/filler')
  const files = (): Promise<string> =>
    run('cat /etc/config/network; echo ---; cat /etc/config/firewall; ls -A /etc/config')
  /** Of a change that nobody kept. */
  const isPending = async (): Promise<boolean> =>
    (await run('ls /var/run/homeward 2>/dev/null || true')).includes('pending')

  test('before a change: nothing is changed, the LAN stays up, and what is staged stays staged', async () => {
    await start()
    const before = await files()
    await fill()
    await run("uci set system.@system[0].hostname='mine'")
    const adapter = await machine.open()
    const lan = await pings(machine.pi)
    await expect(applyDesired(adapter, [homeSpec(machine.keys)], signal())).rejects.toMatchObject({
      code: 'router-flash-full',
      what: expect.stringContaining('router 192.168.1.1'),
      why: expect.stringMatching(/^its flash has 0 KiB left for \/etc\/config, and \d\d KiB are needed/),
      next: expect.stringContaining('df -k'),
    })
    expect(await lan.lost()).toBe(0)
    expect(await files()).toBe(before)
    expect(await machine.leftovers()).toEqual([])
    expect(await run('uci changes')).toMatch(/^system\..*='mine'\n$/)

    await makeRoom()
    await applyDesired(adapter, [homeSpec(machine.keys)], signal())
    await adapter.close()
    expect(await machine.leftovers()).not.toEqual([])
  })

  test('while it is written, after df said that there is room', async () => {
    await start()
    const before = await files()
    await fill()
    // An estimate: UBIFS and JFFS2 compress. Where nothing says how much is left, it is written all the same.
    await run(
      `rm /bin/df; printf '#!/bin/ash\\necho Filesystem\\necho overlayfs:/overlay 9999 1 9998 1%% /\\n' > /bin/df; chmod 755 /bin/df`,
    )
    const adapter = await machine.open()
    const lan = await pings(machine.pi)
    await expect(applyDesired(adapter, [homeSpec(machine.keys)], signal())).rejects.toMatchObject({
      code: expect.stringMatching(/^(router-flash-full|step-failed)$/),
      why: expect.stringMatching(/No space left|KiB are needed/),
    })
    expect(await lan.lost()).toBe(0)
    expect(await files()).toBe(before)
    expect(await machine.leftovers()).toEqual([])
    await adapter.close()
  })

  test('and one that turned read-only, as a failing one does: nothing is changed, and what was is put back when it can', async () => {
    await start()
    const before = await files()
    const mount = (how: 'ro' | 'rw'): Promise<string> => run(`mount -o remount,${how} /overlay`)
    await mount('ro')
    const adapter = await machine.open()
    const lan = await pings(machine.pi)
    await expect(applyDesired(adapter, [homeSpec(machine.keys)], signal())).rejects.toMatchObject({
      why: expect.stringContaining('Read-only file system'),
      next: expect.stringMatching(/\S/),
    })
    expect(await files()).toBe(before)
    expect(await machine.leftovers()).toEqual([])
    await mount('rw')
    // Now it turns in the middle of a change, which cannot be taken back then.
    const proof = applyDesired(adapter, [homeSpec(machine.keys)], signal(), {
      prove: async () => {
        await mount('ro')
        throw new Error('no answer through the tunnel')
      },
    })
    await expect(proof).rejects.toThrow('no answer through the tunnel')
    expect(await isPending()).toBe(true)
    await mount('rw')
    await vi.waitFor(async () => expect(await isPending()).toBe(false), { timeout: 150_000, interval: 200 })
    expect(await files()).toBe(before)
    // The network service is told a moment later.
    await vi.waitFor(async () => expect(await machine.leftovers()).toEqual([]), { timeout: 60_000, interval: 200 })
    expect(await lan.lost()).toBe(0)
    await adapter.close()
  })

  test('when a change is taken back: the files are written in place', async () => {
    await start()
    const before = await files()
    const lan = await pings(machine.pi)
    // By the agent, at once.
    const adapter = await machine.open()
    const proof = applyDesired(adapter, [homeSpec(machine.keys)], signal(), {
      prove: async () => {
        await fill()
        throw new Error('no answer through the tunnel')
      },
    })
    await expect(proof).rejects.toThrow('no answer through the tunnel')
    expect(await files()).toBe(before)
    expect(await machine.leftovers()).toEqual([])
    await makeRoom()
    // By the router, when the agent is gone.
    const { steps } = adapter.plan(await adapter.observe(signal()), [homeSpec(machine.keys)])
    for (const step of steps.slice(0, -1)) await adapter.execute(step, signal())
    await fill()
    await adapter.kill()
    await vi.waitFor(async () => expect(await isPending()).toBe(false), { timeout: 150_000, interval: 200 })
    expect(await files()).toBe(before)
    expect(await lan.lost()).toBe(0)
  })

  test('when there is not even room in place: what runs goes on, and the old files come back when there is', async () => {
    await start()
    // The owner's file is one page longer with the tunnel than without.
    await run(`uci set network.note=note; uci set network.note.text=x; uci commit network`)
    const size = Number(await run('wc -c < /etc/config/network'))
    await run(`uci set network.note.text=${'x'.repeat(PAGE - 40 - (size % PAGE))}; uci commit network`)
    const first = await machine.open()
    await applyDesired(first, [homeSpec(machine.keys)], signal())
    const before = await files()
    const { steps } = first.plan(await first.observe(signal()), [])
    for (const step of steps.slice(0, -1)) await first.execute(step, signal())
    const during = (await run('cat /etc/config/network')).trimEnd()
    await fill()
    const lan = await pings(machine.pi)
    await first.kill()

    // Another agent finds it, and is told.
    const second = await machine.open()
    await expect(second.observe(signal())).rejects.toMatchObject({
      code: 'router-change-cut-off',
      what: expect.stringContaining('192.168.1.1'),
      why: expect.stringMatching(/its flash has .* it tries again by itself/),
      next: expect.stringContaining('df -k'),
    })
    // What is not right yet is whole, all the same: a router that restarts now has a network.
    expect((await run('cat /etc/config/network')).trimEnd()).toBe(during)
    expect(await run('cat /var/run/homeward/before/network; echo ---')).toContain('homeward_hw0')
    expect(await isPending()).toBe(true)

    await makeRoom()
    await vi.waitFor(async () => expect(await isPending()).toBe(false), { timeout: 150_000, interval: 200 })
    expect(await files()).toBe(before)
    await vi.waitFor(async () => expect(await run('ip -o link show')).toContain('hw0'), { timeout: 60_000 })
    expect(await lan.lost()).toBe(0)
    await second.close()
  })
})

/** From the home's LAN to its router, until it is asked. */
async function pings(pi: Host): Promise<{ readonly lost: () => Promise<number> }> {
  const running = pi.start('ping', ['-i', '0.2', '192.168.1.1'])
  await running.waitForLine(/icmp_seq=1 /)
  return {
    lost: async () => {
      await running.kill('SIGINT')
      await running.exited
      const [, sent = '', received = ''] = /(\d+) packets transmitted, (\d+) received/.exec(running.stdout) ?? []
      // The last may still be under way.
      return Math.max(0, Number(sent) - Number(received) - 1)
    },
  }
}
