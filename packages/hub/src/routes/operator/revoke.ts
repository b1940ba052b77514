import { setImmediate } from 'node:timers/promises'
import { type CrlReason, type Enforcement, type Fleet, revocationReasons } from '@fleetcert/core'
import { oneOf } from '../../exchange/fields.ts'
import { jsonAnswer } from '../../exchange/json-answer.ts'
import { noFields, type Operation } from '../../exchange/operation.ts'
import { deviceId } from './identifiers.ts'

type Path = { readonly deviceId: string }
type Body = { readonly reason: CrlReason }

/**
 * `DELETE /api/devices/certificates/:deviceId`. Answers when the revocation is durable. Closing open sessions takes as long as the broker takes and goes on behind the answer,
 * so `enforced` is there only if it is known already.
 */
export function revokeOperation(fleet: Fleet): Operation<Path, Record<never, never>, Body> {
  return {
    path: { deviceId },
    query: noFields,
    body: { reason: oneOf(revocationReasons) },
    action: ({ deviceId }) => ({ type: 'revoke', ...(deviceId === undefined ? {} : { deviceId }) }),
    async run({ deviceId, reason }) {
      const result = await fleet.revoke(deviceId, reason === undefined ? {} : { reason })
      const enforced = await Promise.race([result.enforced, setImmediate(undefined)])
      return jsonAnswer(200, {
        message: revokedMessage(enforced),
        deviceId,
        revokedAt: result.revocationDate,
        reason: result.reason,
        ...(enforced === undefined
          ? {}
          : { enforced: { ...enforced, failed: enforced.failed.map(failure => failure.name) } }),
      })
    },
  }
}

function revokedMessage(enforced: Enforcement | undefined): string {
  if (enforced === undefined || enforced.pending.length > 0) {
    return 'The device is revoked; its open sessions are being closed.'
  }
  if (enforced.failed.length > 0) return 'The device is revoked; not all of its open sessions could be closed.'
  if (enforced.confirmed.length > 0) return 'The device is revoked and its sessions are closed.'
  return 'The device is revoked. Sessions that are open now are not closed: the fleet has no enforcer.'
}
