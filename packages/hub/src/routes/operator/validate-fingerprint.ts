import type { Fleet } from '@fleetcert/core'
import { text } from '../../exchange/fields.ts'
import { jsonAnswer } from '../../exchange/json-answer.ts'
import { noFields, type Operation } from '../../exchange/operation.ts'

/** `POST /api/devices/certificates/validate/:fingerprint`: `AA:BB:…` or 64 hexadecimal digits, in either case. */
export function validateFingerprintOperation(
  fleet: Fleet,
): Operation<{ readonly fingerprint: string }, Record<never, never>, Record<never, never>> {
  return {
    path: { fingerprint: text },
    query: noFields,
    body: noFields,
    action: () => ({ type: 'read' }),
    async run({ fingerprint }) {
      // Refuses what is not a fingerprint, so that the form below only has to be put right.
      const { status } = await fleet.identify({ fingerprint })
      const octets = fingerprint.replaceAll(':', '').toUpperCase().match(/../g) ?? []
      return jsonAnswer(200, { valid: status === 'active', fingerprint: octets.join(':') })
    },
  }
}
