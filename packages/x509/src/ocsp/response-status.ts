import { sequence } from '../der/tlv.ts'
import { enumerated } from '../der/writer.ts'

/** How a responder met a request (RFC 6960 section 4.2.1). */
export type OcspResponseStatus =
  | 'successful'
  | 'malformedRequest'
  | 'internalError'
  | 'tryLater'
  | 'sigRequired'
  | 'unauthorized'

const statusNumbers: Readonly<Record<OcspResponseStatus, number>> = {
  successful: 0,
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  // 4 is not used.
  sigRequired: 5,
  unauthorized: 6,
}

/** @internal */
export const statusNames: ReadonlyMap<number, OcspResponseStatus> = new Map(
  Object.entries(statusNumbers).map(([name, number]) => [number, name as OcspResponseStatus]),
)

/** OCSPResponse without responseBytes: five octets that say why there is no answer. They are not signed (RFC 6960 section 2.3). */
export function encodeOcspFailure(status: Exclude<OcspResponseStatus, 'successful'>): Uint8Array {
  const number = Object.hasOwn(statusNumbers, status) ? statusNumbers[status] : 0
  if (number === 0) throw new TypeError('"status" must be a failure of OcspResponseStatus')
  return sequence(enumerated(number))
}
