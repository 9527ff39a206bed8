import { expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import { lossAndJitter, outage } from '../../lab/faults/faults.ts'
import { createLab } from '../../lab/lab.ts'
import { buildPicture } from '../../lab/picture.ts'
import { eventsOf, inviteHome, startAgent, startHub, waitForStatus } from '../lab-home.ts'
import { isLong } from '../../long.ts'

/** Ten minutes in all with `npm run test:long`, one else. */
const PART_MS = isLong ? 175_000 : 10_000

test(
  'a bad line, an outage of twenty seconds and an idle tunnel: no remedy, and the tunnel is as it was',
  async () => {
    const lab = await createLab()
    try {
      const picture = await buildPicture(lab)
      const { pi } = picture.home
      await startHub(picture)
      await pi.homeward(['join', await inviteHome(picture), '--yes'])
      const agent = await startAgent(pi)
      await sleep(5_000)
      const tunnel = async () => {
        const { stdout } = await pi.shell('wg show hw0 listen-port; wg show hw0 endpoints; cat /sys/class/net/hw0/mtu')
        return stdout
      }
      const before = await tunnel()

      const undo = await lossAndJitter(picture.home, { lossPercent: 10, delayMs: 300, jitterMs: 200 })
      await sleep(PART_MS)
      // The same while somebody uses it.
      const stream = picture.hub.start('ping', ['-i', '0.1', '10.86.0.2'])
      await sleep(PART_MS)
      await stream.stop()
      await undo()

      await sleep(PART_MS / 2)
      const restore = await outage(picture.home)
      await sleep(20_000)
      await restore()
      await sleep(PART_MS)
      await waitForStatus(pi, (status) => status.tunnel.state === 'up', 60_000)

      const events = await eventsOf(pi)
      expect(events.filter((event) => event.kind === 'remedy')).toEqual([])
      expect(agent.stdout).not.toContain('tries a remedy')
      expect(await tunnel()).toBe(before)
    } finally {
      await lab.close()
    }
  },
  isLong ? 900_000 : 300_000,
)
