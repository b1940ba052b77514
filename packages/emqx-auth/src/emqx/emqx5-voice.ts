import { emqxAcl } from './emqx-acl.ts'
import type { EmqxAnswer } from './emqx-answer.ts'
import type { EmqxVoice } from './emqx-dialect.ts'

/**
 * What EMQX 5 hears. The status is 200, also for a deny: an error status means "ask the next authenticator" to it, and only `200 {"result":"deny"}` ends the chain.
 *
 * `expire_at` in integer seconds; `client_attrs` holds strings alone, since any other value makes EMQX drop the whole answer. The actions of `acl` are written out as `publish`, `subscribe`, `all`; `all` covers both,
 * at every qos and retain. Nobody is a superuser: a superuser is asked about no topic.
 */
export const emqx5Voice: Omit<EmqxVoice, 'denyMixedUp'> = {
  allowConnect: ({ deviceId, owner, serialNumber, fingerprint, role, expiresAt, acl }) =>
    answerOf({
      result: 'allow',
      is_superuser: false,
      expire_at: Math.floor(expiresAt.getTime() / 1000),
      client_attrs: {
        device_id: deviceId,
        ...(owner === undefined ? {} : { owner }),
        serial: serialNumber,
        fingerprint,
        role,
      },
      acl: emqxAcl(acl).map(({ permission, action, topics }) => ({ permission, action, topics })),
    }),
  allowTopic: Object.freeze(answerOf({ result: 'allow' })),
  deny: Object.freeze(answerOf({ result: 'deny' })),
}

function answerOf(body: object): EmqxAnswer {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(body) }
}
