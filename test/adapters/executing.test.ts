import { expect, test } from 'vitest'
import { executing } from '../../adapters/executing.ts'
import { LINUX_STEPS } from '../../adapters/linux/steps.ts'
import { MIKROTIK_STEPS, type MikrotikStep } from '../../adapters/mikrotik/steps.ts'
import type { Step } from '../../adapters/step.ts'
import type { PublicKey } from '../../wireguard/keys.ts'

const signal = AbortSignal.timeout(60_000)

test('a step that a kind of machine does not declare is refused before anything is carried out', async () => {
  const done: Step[] = []
  const execute = executing(MIKROTIK_STEPS, async (step: MikrotikStep) => void done.push(step))
  const publicKey = `${'A'.repeat(43)}=` as PublicKey
  await expect(execute({ kind: 'set-private-key', interface: 'hw0', publicKey }, signal)).rejects.toThrow(
    'this kind of machine has no step set-private-key',
  )
  await execute({ kind: 'bring-up', interface: 'hw0' }, signal)
  expect(done).toEqual([{ kind: 'bring-up', interface: 'hw0' }])
})

test('this machine has no rollback, and a MikroTik neither other firewalls nor a private key that it is given', () => {
  expect(LINUX_STEPS).not.toHaveProperty('arm-rollback')
  for (const kind of ['set-private-key', 'set-other-firewall']) expect(MIKROTIK_STEPS).not.toHaveProperty(kind)
})
