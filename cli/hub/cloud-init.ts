import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { HostSchema } from '../../protocol/addresses.ts'
import { NameSchema } from '../../protocol/names.ts'
import { formatPickupCode, newPickupCode, pickupLock } from '../../protocol/pickup.ts'
import type { Context } from '../context.ts'
import { printFacts, tell } from '../output.ts'
import { place as published } from '../place.ts'
import { portIn } from './hub-options.ts'
import { userData } from './user-data.ts'

export interface CloudInitOptions {
  readonly name: string
  readonly home: string
  readonly port: string
  readonly place?: string
}

/**
 * `homeward cloud-init`: prints the user-data on stdout, and on stderr the code with which the first token is picked up.
 * @throws {Problem} `address-invalid`, `home-name-invalid`, `wrong-usage`.
 */
export function cloudInit(context: Context, options: CloudInitOptions): void {
  const { name, home } = options
  const what = 'writing the user-data'
  if (!v.is(HostSchema, name)) throw new Problem('address-invalid', { what, why: '--name is no address or host name' })
  if (!v.is(NameSchema, home)) throw new Problem('home-name-invalid', { what, why: '--home is no name of a home' })
  const port = portIn(options.port, '--port')
  const place = placeIn(options.place ?? published)
  const code = newPickupCode(name, port)
  const pickup = formatPickupCode(code)
  const text = userData({ name, port, home, place, lock: pickupLock(code) })
  printFacts(context, { name, home, pickup, userData: text }, () => text)
  if (context.json) return
  tell(`
Give this to a new VPS as its user-data (docs/vps.md), and let ${name} lead to it. At home, once the VPS has set itself up:

  sudo homeward join ${pickup}       (or ./install.sh home ${pickup})

The code is a secret: it makes a machine the home ${home}, once, within 24 hours. It is kept nowhere.`)
}

/** What runs as root on the VPS comes from there: from nobody on the way. @throws {Problem} `wrong-usage`. */
function placeIn(text: string): string {
  const what = 'writing the user-data'
  if (text === '')
    throw new Problem('wrong-usage', {
      what,
      why: 'homeward’s releases are not published anywhere yet',
      next: 'Pass --place with the URL of a folder in which the files of a release are (docs/releasing.md)',
    })
  const isPlace = /^(?:https:\/\/[^/]|file:\/\/\/)[\w.~:@/%+-]*$/.test(text)
  if (isPlace) return text.replace(/\/+$/, '')
  throw new Problem('wrong-usage', {
    what,
    why: '--place is no URL that begins with https:// (or file:/// on the VPS itself)',
    next: 'Give the folder’s URL, without a query',
  })
}
