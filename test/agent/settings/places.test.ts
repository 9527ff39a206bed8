import { expect, test } from 'vitest'
import { tunnelPaths } from '../../../agent/settings/paths.ts'

const home = { configDir: '/etc/homeward', stateDir: '/var/lib/homeward', runtimeDir: '/run/homeward' }

test('the first tunnel is where a home with one tunnel has always had it', () => {
  expect(tunnelPaths(home, 0, 'hw0')).toEqual(home)
})

test('another one has its own secrets and memory, and the one lock of the machine', () => {
  expect(tunnelPaths(home, 1, 'hw1')).toEqual({
    configDir: '/etc/homeward/hw1',
    stateDir: '/var/lib/homeward/hw1',
    runtimeDir: '/run/homeward',
  })
})
