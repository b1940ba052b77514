import type { ConnectDecision } from '../broker-auth.ts'
import type { AclRule } from '../topics/acl-rule.ts'

/**
 * What EMQX 5 is answered. The status is always 200: an error status means "ask the next authenticator" to it, and only `200 {"result":"deny"}` ends the chain.
 */
export interface EmqxAnswer {
  readonly status: 200
  readonly contentType: 'application/json'
  readonly body: string
}

/** The refusal, the same for every reason. */
export const emqxDeny: EmqxAnswer = answer({ result: 'deny' })

/** The authorizer's consent. */
export const emqxAllow: EmqxAnswer = answer({ result: 'allow' })

// `$delayed/5/any/topic` reaches `any/topic` unasked. The rules of a client never name it, but without an authorizer behind them what matches no rule is up to `authorization.no_match`, whose default is `allow`.
const denyDelayed: AclRule = { permission: 'deny', action: 'publish', topics: ['$delayed/#'] }

/**
 * The authenticator's consent. `expire_at` in integer seconds; `client_attrs` holds strings alone, since any other value makes EMQX drop the whole answer.
 * The actions of `acl` are written out as `publish`, `subscribe`, `all`; `all` covers both, at every qos and retain.
 */
export function emqxConnectAnswer(decision: ConnectDecision): EmqxAnswer {
  if (decision.result !== 'allow') return emqxDeny
  const { deviceId, owner, serialNumber, fingerprint, role, expiresAt, acl } = decision
  return answer({
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
    acl: [...acl.slice(0, -1), denyDelayed, ...acl.slice(-1)].map(({ permission, action, topics }) => ({
      permission,
      action,
      topics,
    })),
  })
}

function answer(body: object): EmqxAnswer {
  return Object.freeze({ status: 200, contentType: 'application/json', body: JSON.stringify(body) })
}
