import type { Fleet } from '@fleetcert/core'
import { integer, text } from '../../exchange/fields.ts'
import { jsonAnswer } from '../../exchange/json-answer.ts'
import { noFields, type Operation } from '../../exchange/operation.ts'
import { deviceId, owner } from './identifiers.ts'

type Path = { readonly deviceId: string }
type Body = { readonly owner: string; readonly profile: string; readonly expiresInSeconds: number }

const mostSeconds = 366 * 86_400

/**
 * `POST /api/devices/:deviceId/token`: what a device enrols with. The answer is the only place where the token is ever shown. There are no attributes here, as there are none where devices are enrolled: an action does not name them.
 */
export function createTokenOperation(fleet: Fleet): Operation<Path, Record<never, never>, Body> {
  return {
    path: { deviceId },
    query: noFields,
    body: { owner, profile: text, expiresInSeconds: integer(60, mostSeconds) },
    action: ({ deviceId, owner, profile }) => ({
      type: 'createToken',
      ...(deviceId === undefined ? {} : { deviceId }),
      ...(owner === undefined ? {} : { owner }),
      ...(profile === undefined ? {} : { profile }),
    }),
    async run({ deviceId, owner, profile, expiresInSeconds }) {
      const { token, expiresAt } = await fleet.createToken({
        deviceId,
        ...(owner === undefined ? {} : { owner }),
        ...(profile === undefined ? {} : { profile }),
        ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
      })
      return jsonAnswer(201, { token, deviceId, expiresAt })
    },
  }
}
