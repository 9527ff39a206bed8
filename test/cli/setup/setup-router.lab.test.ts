import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inviteHome, startHub } from '../../agent/lab-home.ts'
import { bundleFor } from '../../lab/host/bundle.ts'
import { CTRL_C, DOWN, ENTER, openTerminal } from '../../lab/host/terminal.ts'
import { homewardCommand } from '../../lab/homeward.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { labMikrotik, type LabMikrotik } from '../../lab/places/mikrotik.ts'
import { labOpenwrt, type LabOpenwrt } from '../../lab/places/openwrt.ts'
import { isLong } from '../../long.ts'

const setup = [process.execPath, homewardCommand(), 'setup']

/** The gateway is a simulated router: found, offered, chosen, logged in to, and the tunnel ends on it. */
describe.runIf(isLong)('a tunnel that ends on the router', () => {
  let lab: Lab
  let picture: Picture
  const at = async (question: RegExp, before: (terminal: ReturnType<typeof openTerminal>) => Promise<void>) => {
    const { pi } = picture.home
    const token = await inviteHome(picture)
    const terminal = openTerminal(pi, setup)
    await terminal.answer(/Which machine is this\?/, ENTER)
    await terminal.answer(/The token that the hub printed/, `${token}${ENTER}`)
    await terminal.answer(/Where does the tunnel end\?/, `${DOWN}${ENTER}`)
    await before(terminal)
    await terminal.answer(/Name of your phone/, ENTER)
    await terminal.answer(question, `y`)
    await terminal.answer(/Do this\?/, ENTER)
    expect((await terminal.exited).code, terminal.shown).toBe(0)
    // Neither the password nor what it was kept in is left.
    expect((await pi.shell('ls -A /run')).stdout).not.toContain('homeward-setup')
    return terminal.shown
  }

  describe('a MikroTik', () => {
    let system: LabMikrotik
    beforeAll(async () => {
      lab = await createLab()
      system = await labMikrotik(lab)
      picture = await buildPicture(lab, { system })
      const program = await bundleFor(lab.folder, new URL('../../fake/discovery/neighbour.ts', import.meta.url))
      const { router, lan } = picture.home
      const mikrotik = { identity: 'attic', version: '7.18.2 (stable)', board: 'RB5009UG+S+' }
      await router
        .start(process.execPath, [program, JSON.stringify({ address: lan.router, mikrotik })])
        .waitForLine(/^ready$/)
      await startHub(picture)
    })
    afterAll(() => lab?.close())

    test('is known by MNDP and its API', async () => {
      const shown = await at(/Is this the router’s own certificate\?/, async (terminal) => {
        await terminal.answer(/User of the router at/, ENTER)
        await terminal.answer(/Password of homeward there/, `${system.password}${ENTER}`)
      })
      expect(shown).toContain('MikroTik at 192.168.1.1 ("attic", "RB5009UG+S+, 7.18.2 (stable)")')
      expect(shown).toContain('port 8729 of the RouterOS API is open')
      expect(shown).toContain('which ends on the router at 192.168.1.1')
      expect(shown).not.toContain(system.password)
    })
  })

  describe('an OpenWrt', () => {
    let system: LabOpenwrt
    beforeAll(async () => {
      lab = await createLab()
      system = await labOpenwrt(lab)
      picture = await buildPicture(lab, { system })
      await startHub(picture)
    })
    afterAll(() => lab?.close())

    test('is left alone by Ctrl-C at the question for its host key', async () => {
      const before = await system.export()
      const token = await inviteHome(picture)
      const terminal = openTerminal(picture.home.pi, setup)
      await terminal.answer(/Which machine is this\?/, ENTER)
      await terminal.answer(/The token that the hub printed/, `${token}${ENTER}`)
      await terminal.answer(/Where does the tunnel end\?/, `${DOWN}${ENTER}`)
      await terminal.answer(/User of the router at/, ENTER)
      await terminal.answer(/Password of root there/, `${system.password}${ENTER}`)
      await terminal.answer(/Name of your phone/, ENTER)
      await terminal.answer(/Is this the router’s own host key\?/, CTRL_C)
      await terminal.exited
      expect(await system.export()).toBe(before)
      expect((await picture.home.pi.shell('ls -A /run')).stdout).not.toContain('homeward-setup')
    })

    test('is known by its dropbear', async () => {
      const shown = await at(/Is this the router’s own host key\?/, async (terminal) => {
        await terminal.answer(/User of the router at/, ENTER)
        await terminal.answer(/Password of root there/, `${system.password}${ENTER}`)
      })
      expect(shown).toContain('OpenWrt at 192.168.1.1, which leads to the internet: its SSH server is dropbear.')
      expect(shown).toContain('which ends on the router at 192.168.1.1')
      expect(shown).not.toContain(system.password)
    })
  })
})
