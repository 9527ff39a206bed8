import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Real namespaces, real WireGuard, the built command: each file makes its own laboratory. */
const LAB = {
  globalSetup: ['test/lab/requirements.ts'],
  testTimeout: 300_000,
  hookTimeout: 300_000,
  fileParallelism: true,
}
/** Vitest begins with the largest files; what takes longest stands in the smallest ones, which only name their machine. */
class ContractsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => Number(isContract(b)) - Number(isContract(a)))
  }
}
const isContract = ({ moduleId }: TestSpecification): boolean => moduleId.includes('/test/contract/')

export default defineConfig({
  test: {
    sequence: { sequencer: ContractsFirst },
    projects: [
      {
        test: {
          name: 'unit',
          maxWorkers: 3,
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
          exclude: ['node_modules/**'],
          // Mostly they wait: for an alarm, a login, a service.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
