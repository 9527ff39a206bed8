import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const EVERYWHERE = {
  setupFiles: ['test/setup.ts'],
  expect: { poll: { timeout: 30_000, interval: 50 } },
}
/** Real namespaces, real WireGuard, the built command: each file makes its own laboratory. */
const LAB = {
  ...EVERYWHERE,
  // What they ask is mostly a program, whose start costs more than a quarter of a second's wait is worth.
  // A limit, not a wait: a busy machine takes four times as long as a calm one.
  expect: { poll: { timeout: 120_000, interval: 250 } },
  globalSetup: ['test/lab/requirements.ts'],
  testTimeout: 300_000,
  hookTimeout: 300_000,
}
/** More than the two cores that it is measured on: most laboratories wait half of their time, for an alarm, a login, a service. */
const LAB_WORKERS = 6
/** Simulated routers, over sockets. */
const CONTRACT = ['test/contract/**/*.test.ts', 'test/**/*.router.test.ts']
const IN_LAB = ['test/**/*.lab.test.ts']
const PATIENT = ['test/**/*.patient.test.ts']

/**
 * What firewalls and managers of networks do to us, once more with the programs of Debian 13: every host of these
 * laboratories runs its user land, and homeward its Node. In the long run only, since it is downloaded.
 */
const ON_DEBIAN_13 = [
  'test/adapters/linux/*.lab.test.ts',
  'test/contract/linux/linux.lab.test.ts',
  'test/hub/firewalls/*.lab.test.ts',
  'test/hub/neighbours/*.lab.test.ts',
  'test/hub/publish/*.lab.test.ts',
  'test/lab/user-land/*.lab.test.ts',
]

/**
 * The files that take longest in a usual run, longest first: they begin, so that none of them goes on alone at the end. By
 * the durations in a report of `vitest run --reporter=json`.
 */
const LONGEST: readonly string[] = [
  'test/contract/openwrt/openwrt-others.lab.test.ts',
  'test/agent/routers/openwrt-events.lab.test.ts',
  'test/agent/routers/mikrotik-events.lab.test.ts',
  'test/alerts/both-ends.patient.test.ts',
  'test/install/services.lab.test.ts',
  'test/agent/healing/causes.patient.test.ts',
  'test/contract/openwrt/openwrt-power-cut.lab.test.ts',
  'test/alerts/faults.patient.test.ts',
  'test/agent/routers/router-home.lab.test.ts',
  'test/hub/firewalls/way-in.lab.test.ts',
  'test/hub/publish/publish-keep.lab.test.ts',
  'test/hub/publish/publish.lab.test.ts',
  'test/contract/openwrt/openwrt-killed.lab.test.ts',
  'test/hub/firewalls/hub-services.lab.test.ts',
  'test/hub/run/device-reach.lab.test.ts',
  'test/agent/routers/openwrt-power-cut.lab.test.ts',
  'test/hub/publish/publish-limits.lab.test.ts',
  'test/agent/membership/join.lab.test.ts',
  'test/system/planted-links.lab.test.ts',
  'test/agent/rotation/key-rotation.lab.test.ts',
  'test/contract/openwrt/openwrt-rules.lab.test.ts',
  'test/agent/routers/mikrotik-causes.lab.test.ts',
  'test/install/upgrade.lab.test.ts',
  'test/alerts/new-home.patient.test.ts',
  'test/agent/routers/openwrt.lab.test.ts',
  'test/agent/routers/mikrotik.lab.test.ts',
  'test/agent/routers/openwrt-luci.lab.test.ts',
  'test/agent/membership/proof/who-drops.lab.test.ts',
]

/**
 * What takes longest begins, by a list. After that what computes all the while stands beside what waits: vitest takes the
 * largest files for the longest, and the contracts stand in the smallest.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const of = (...names: readonly string[]) => sorted.filter(({ project }) => names.includes(project.name))
    const patient = of('patient')
    const contract = of('contract')
    const besides = Array.from({ length: Math.max(patient.length, contract.length) }, (_, index) => [
      ...patient.slice(index, index + 1),
      ...contract.slice(index, index + 1),
    ]).flat()
    const others = [...of('unit'), ...besides, ...of('lab', 'debian-13')]
    return others.sort((one, other) => placeOf(one) - placeOf(other))
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = LONGEST.findIndex((file) => moduleId.endsWith(`/${file}`))
  return place === -1 ? LONGEST.length : place
}

/** Two groups, one after the other, so that what waits for minutes in the second has all that there is to wait beside. */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...EVERYWHERE,
          name: 'unit',
          maxWorkers: 4,
          // Half of the time went into importing the same files again; a test that needs them fresh is in another project.
          isolate: false,
          // Of a busy machine: none of them waits for so long by itself.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          include: ['test/**/*.test.ts'],
          exclude: [...CONTRACT, ...IN_LAB, ...PATIENT, 'node_modules/**'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: { ...LAB, name: 'contract', maxWorkers: LAB_WORKERS, include: CONTRACT, sequence: { groupOrder: 1 } },
      },
      {
        test: {
          ...LAB,
          name: 'lab',
          // As in unit: a start of Node and of all imports costs more than many of them compute.
          isolate: false,
          maxWorkers: LAB_WORKERS,
          include: IN_LAB,
          exclude: [...CONTRACT, 'node_modules/**'],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...LAB,
          name: 'debian-13',
          env: { HOMEWARD_LAB_DEBIAN: 'trixie' },
          globalSetup: ['test/lab/user-land/requirements.ts'],
          maxWorkers: LAB_WORKERS,
          include: process.env['HOMEWARD_TEST_LONG'] === '1' ? ON_DEBIAN_13 : [],
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Laboratories too, which wait for minutes: for what must not happen, or happens late.
        test: { ...LAB, name: 'patient', maxWorkers: LAB_WORKERS, include: PATIENT, sequence: { groupOrder: 1 } },
      },
    ],
  },
})
