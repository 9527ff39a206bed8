import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { type LabOpenwrt, labOpenwrt, openwrtJoinOptions } from '../../lab/places/openwrt.ts'
import { someOf } from '../../long.ts'
import { inviteHome, startHub } from '../lab-home.ts'

/** More than a join has. */
const NEVER = 100_000

let lab: Lab
let picture: Picture
let router: LabOpenwrt
let before: string

beforeAll(async () => {
  lab = await createLab()
  router = await labOpenwrt(lab)
  picture = await buildPicture(lab, { system: router })
  await startHub(picture)
  before = await left()
})
afterAll(() => lab?.close())

/** All that a join may leave on the router's flash. */
const left = (): Promise<string> =>
  router.console(
    'uci export; ls -A /etc/config /etc/dropbear; ls -A /etc/nftables.d 2>/dev/null || true; cat /etc/dropbear/authorized_keys 2>/dev/null || true',
  )

const join = async () => {
  const options = await openwrtJoinOptions(router, picture.home)
  const token = await inviteHome(picture)
  const { pi } = picture.home
  return await pi.homeward(['join', token, ...options, '--yes'], { allowFailure: true, timeoutMs: 300_000 })
}
const leave = () => picture.home.pi.homeward(['leave', '--yes'], { allowFailure: true, timeoutMs: 400_000 })

async function expectNothing(said: string): Promise<void> {
  const { pi } = picture.home
  expect(await left(), said).toBe(before)
  expect((await pi.run('ls', ['-A', pi.disk.configDir])).stdout, said).toBe('')
}

/** How many programs it runs on the router. */
async function programsOf(act: () => Promise<{ readonly exitCode: number }>): Promise<number> {
  await router.cutPower({ after: NEVER, loses: 'nothing' })
  expect((await act()).exitCode).toBe(0)
  return await router.counted()
}

/** Some of the moments, and what of the flash goes in each. */
function cutsIn(count: number, most: number) {
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  return someOf(numbers, most).map((after, index) => ({
    after,
    loses: index % 2 === 0 ? ('nothing' as const) : ('since-sync' as const),
    said: `after ${after} of ${count} programs`,
    index,
  }))
}

test('a router that loses its power at any program of a join: joining again or leaving leaves nothing behind', async () => {
  const count = await programsOf(join)
  expect((await leave()).exitCode).toBe(0)
  await expectNothing('in peace')
  for (const { index, said, ...cut } of cutsIn(count, 2)) {
    await router.cutPower(cut)
    const first = await join()
    await router.up()
    if (first.exitCode !== 0 && index % 2 === 1 && !first.stderr.includes('homeward leave')) {
      const { exitCode, stderr } = await join()
      expect({ exitCode, stderr }, said).toMatchObject({ exitCode: 0 })
    }
    const { exitCode, stderr } = await leave()
    // A join that failed and took all of it back has left nothing to leave.
    if (exitCode !== 0) expect(stderr, said).toContain('nothing of homeward is on it')
    await expectNothing(said)
  }
})

test('a router that loses its power at any program of a leave: leaving again ends it', async () => {
  expect((await join()).exitCode).toBe(0)
  const count = await programsOf(leave)
  await expectNothing('in peace')
  for (const { index: _, said, ...cut } of cutsIn(count, 1)) {
    expect((await join()).exitCode, said).toBe(0)
    await router.cutPower(cut)
    const first = await leave()
    await router.up()
    if (first.exitCode !== 0) expect((await leave()).exitCode, said).toBe(0)
    await expectNothing(said)
  }
})
