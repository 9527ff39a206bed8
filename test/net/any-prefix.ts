import * as fc from '../properties.ts'

/** An address of either family, in whatever spelling. */
export const anyAddress = fc.oneof(fc.ipV4(), fc.ipV6())

/** A prefix of either family with the host's bits as they come; short ones often, so that two of them meet. */
export const anyPrefix = fc
  .oneof(fc.tuple(fc.ipV4(), fc.oneof(fc.nat(3), fc.nat(32))), fc.tuple(fc.ipV6(), fc.oneof(fc.nat(3), fc.nat(128))))
  .map(([address, length]) => `${address}/${length}`)
