import type { AclRule } from '../topics/acl-rule.ts'
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
  // Written piece by piece: JSON.stringify of the whole costs more than the decision.
  allowConnect({ deviceId, owner, serialNumber, fingerprint, role, expiresAt, acl }) {
    const ownerText = owner === undefined ? '' : `"owner":${quoted(owner)},`
    const attributes = `{"device_id":${quoted(deviceId)},${ownerText}"serial":${quoted(serialNumber)},"fingerprint":${quoted(fingerprint)},"role":${quoted(role)}}`
    const end = Math.floor(expiresAt.getTime() / 1000)
    return {
      status: 200,
      contentType: 'application/json',
      body: `{"result":"allow","is_superuser":false,"expire_at":${end},"client_attrs":${attributes},"acl":[${emqxAcl(acl).map(ruleText).join(',')}]}`,
    }
  },
  allowTopic: Object.freeze(answerOf({ result: 'allow' })),
  deny: Object.freeze(answerOf({ result: 'deny' })),
}

function answerOf(body: object): EmqxAnswer {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(body) }
}

/** Printable ASCII that JSON writes as it is. */
const plain = /^[ !#-[\]-~]*$/

function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text)
}

/** The rules that everybody has are frozen, and written once. */
const frozenTexts = new WeakMap<AclRule, string>()

function ruleText(rule: AclRule): string {
  const known = frozenTexts.get(rule)
  if (known !== undefined) return known
  const { permission, action, topics } = rule
  const text = `{"permission":"${permission}","action":"${action}","topics":[${topics.map(quoted).join(',')}]}`
  if (Object.isFrozen(rule) && Object.isFrozen(topics)) frozenTexts.set(rule, text)
  return text
}
