import { defineConfig } from 'vitest/config'

/** Real namespaces, real WireGuard, the built command: each file makes its own laboratory. */
const LAB = {
  globalSetup: ['test/lab/requirements.ts'],
  testTimeout: 120_000,
  hookTimeout: 120_000,
  fileParallelism: true,
}
/** They wait, for a login and a shell or for an alarm: four of these together keep one core busy. */
const PATIENT = [
  'test/alerts/*.lab.test.ts',
  'test/agent/killed-remedy.lab.test.ts',
  'test/hub/use-meter.lab.test.ts',
  'test/contract/openwrt-*.lab.test.ts',
  'test/adapters/openwrt/*.lab.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          maxWorkers: 2,
          // Of a busy machine: none of them waits for so long by itself.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.lab.test.ts', 'node_modules/**'],
          // Seconds first, then minutes; vitest wants groups of their own for different numbers of workers.
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...LAB,
          name: 'lab',
          include: ['test/**/*.lab.test.ts'],
          exclude: [...PATIENT, 'node_modules/**'],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...LAB, name: 'patient', include: PATIENT, maxWorkers: 4, sequence: { groupOrder: 2 } } },
    ],
  },
})
