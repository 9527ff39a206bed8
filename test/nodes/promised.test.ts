import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { ARCHITECTURES } from '../../packaging/node/own-node.ts'
import { promisedNodes } from './promised.ts'

test('the oldest Node that package.json allows is among those that the tests are run under, and each line up to the releases’ own', async () => {
  const { engines } = JSON.parse(await readFile('package.json', 'utf8')) as { engines: { node: string } }
  for (const name of Object.values(ARCHITECTURES)) {
    const versions = (await promisedNodes(name)).map(({ version }) => version)
    expect(`${engines.node}.0`).toBe(`>=${versions[0]}`)
    expect(versions.map((version) => Number.parseInt(version, 10))).toEqual([20, 22, 24])
  }
})
