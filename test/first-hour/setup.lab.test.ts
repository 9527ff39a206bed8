import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootVpsAndPi, RELEASE, type VpsAndPi } from '../install/vps-and-pi.ts'
import { CLEAR, ENTER, openTerminal } from '../lab/host/terminal.ts'
import { askedBy } from '../lab/places/camera.ts'
import { isLong } from '../long.ts'
import { scan } from './scan.ts'

/**
 * As a new user would: `./install.sh` on the VPS, the same at home with the token, the QR code by the phone. Commands,
 * questions and seconds are counted; docs/first-hour.md has them.
 */
describe.runIf(isLong)('the walk of the first hour', { timeout: 900_000 }, () => {
  let machines: VpsAndPi
  beforeAll(async () => {
    machines = await bootVpsAndPi()
  }, 300_000)
  afterAll(() => machines?.end())

  test('from two machines without homeward to the camera’s page on the phone', async () => {
    const { picture, vps, pi } = machines
    const { hub, home, phone } = picture
    const took: number[] = []
    let questions = 0
    const walk = async (
      [host, machine]: readonly [typeof hub, typeof vps],
      answers: readonly (readonly [RegExp, string])[],
    ): Promise<string> => {
      const from = performance.now()
      const terminal = openTerminal(host, machine.inside([`${RELEASE}/install.sh`]))
      for (const [question, typed] of answers) await terminal.answer(question, typed)
      questions += answers.length
      expect((await terminal.exited).code, terminal.shown).toBe(0)
      took.push((performance.now() - from) / 1_000)
      return terminal.shown
    }

    const onVps = await walk(
      [hub, vps],
      [
        [/Which machine is this\?/, ENTER],
        [/Name of the home that joins first/, `${CLEAR}cabin${ENTER}`],
        [/Go ahead\?/, ENTER],
      ],
    )
    expect(onVps).toContain('homeward-hub runs, and starts at boot')
    const token = /^hw1\.[\w-]+\.[\w-]+/m.exec(onVps)?.[0] ?? ''
    const onPi = await walk(
      [home.pi, pi],
      [
        [/Which machine is this\?/, ENTER],
        [/The token that the hub printed/, `${token}${ENTER}`],
        [/Name of your phone/, ENTER],
        [/Do this\?/, ENTER],
      ],
    )
    expect(onPi).toContain('homeward runs, and starts at boot')
    const from = performance.now()
    const conf = join(phone.disk.path, 'phone.conf')
    await writeFile(conf, await scan(onPi, join(phone.disk.path, 'qr.pbm')), { mode: 0o600 })
    await phone.run('wg-quick', ['up', conf])
    const page = await phone.run('curl', ['--silent', '--max-time', '60', `http://${home.lan.camera}/`])
    took.push((performance.now() - from) / 1_000)
    expect(askedBy(page.stdout)).toBe(home.lan.pi)
    console.log(`commands 2, questions ${questions}, seconds ${took.map((one) => one.toFixed(0)).join(' + ')}`)

    // Only the unit of what it became is left, and what it became is a service.
    for (const [machine, service, other] of [
      [vps, 'homeward-hub', 'homeward'],
      [pi, 'homeward', 'homeward-hub'],
    ] as const)
      await machine.shell(
        `systemctl is-active ${service} && systemctl is-enabled ${service} && test ! -e /etc/systemd/system/${other}.service`,
      )
  })
})
