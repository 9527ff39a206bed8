import * as v from 'valibot'

/** SHA-256 of the hub's certificate (DER), 64 lower-case hex digits: the pin that makes a self-signed one trusted. */
export const FingerprintSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in 64 hex digits'))
