import { expect, test } from 'vitest'
import { howToStart } from '../../../cli/side/how-to-start.ts'

test('what starts homeward is what there is on the machine', async () => {
  expect(await howToStart('home', '/')).toBe('sudo systemctl start homeward')
  expect(await howToStart('hub', '/')).toBe('sudo systemctl start homeward-hub')
  expect(await howToStart('home', '/nowhere')).toBe('sudo homeward run, which stays in the foreground')
  expect(await howToStart('hub', '/nowhere')).toBe('sudo homeward hub run, which stays in the foreground')
})
