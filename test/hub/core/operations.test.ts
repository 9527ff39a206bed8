import * as fc from '../../properties.ts'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { addDevice } from '../../../hub/core/devices.ts'
import { invite } from '../../../hub/core/invitation.ts'
import { join } from '../../../hub/core/joining.ts'
import { register } from '../../../hub/core/registration.ts'
import { leave, removeHome } from '../../../hub/core/removal.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import {
  EMPTY_DOCUMENT,
  type Home,
  homeNamed,
  type StoreDocument,
  StoreDocumentSchema,
} from '../../../hub/core/store-document.ts'
import { context, device, HOUR, hubKey, newKey, newSecret, now, refusal, request } from './some.ts'

test('whatever is done in whatever order, the document can be read again and nobody shares anything', () => {
  const names = ['cabin', 'lodge', 'barn']
  const step = fc.record({ what: fc.nat(5), name: fc.constantFrom(...names), lan: fc.nat(3) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      let document: StoreDocument = EMPTY_DOCUMENT
      const secrets = new Map<string, string>()
      const anyHome = (name: string): Home | null => homeNamed(document, name)
      for (const { what, name, lan } of steps) {
        const prefix = [`192.168.${lan}.0/24`]
        refusal(() => {
          const home = anyHome(name)
          if (what === 0) {
            const secret = newSecret()
            document = invite(document, { home: name, lan: prefix, expiresInMs: HOUR }, hashOf(secret), context)[0]
            secrets.set(name, secret)
          } else if (what === 1) document = join(document, request(secrets.get(name) ?? ''), hubKey, context)[0]
          else if (what === 2) document = removeHome(document, name, now)[0]
          else if (what === 3 && home !== null) document = leave(document, home, { reopenInvite: lan > 1 })[0]
          else if (what === 4 && home !== null)
            document = register(
              document,
              home,
              { publicKey: newKey(), lan: prefix, mtu: lan > 1 ? 1280 : null },
              hubKey,
              context,
            )[0]
          else if (what === 5) document = addDevice(document, home, device(`phone-${lan}`), hubKey, context)[0]
        })
        v.parse(StoreDocumentSchema, JSON.parse(JSON.stringify(document)))
        const lans = document.homes.flatMap((one) => one.lan)
        expect(new Set(lans).size).toBe(lans.length)
      }
    }),
    { numRuns: 60 },
  )
})
