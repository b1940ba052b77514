import type { ConnectDecision } from '../broker-auth.ts'
import type { DenyReason } from '../deny-reason.ts'
import type { TopicAction } from '../topics/acl-rule.ts'
import { compileAcl } from '../topics/compile-acl.ts'
import type { AedesClient } from './aedes-broker.ts'
import { startExpiryTimer } from './expiry-timer.ts'

/** What was decided for a live connection when it came. */
export interface Session {
  readonly client: AedesClient
  readonly deviceId: string
  readonly certificate: { readonly der: Uint8Array }
  /** Why the session may not do this; `undefined` if it may. No look-up, no waiting. */
  refusal(action: TopicAction, topic: string): DenyReason | undefined
  /** From now on the session may do nothing. */
  silence(): void
  readonly isSilenced: boolean
}

export interface Sessions {
  get(client: AedesClient): Session | undefined
  of(deviceId: string): readonly Session[]
  /** Opens a session that lasts until its connection closes; `expire` is called when its time is over. */
  open(
    client: AedesClient,
    certificate: { readonly der: Uint8Array },
    decision: Extract<ConnectDecision, { result: 'allow' }>,
    expire: (session: Session) => void,
  ): Session
}

export function createSessions(clock: () => Date): Sessions {
  const byClient = new WeakMap<AedesClient, Session>()
  const byDevice = new Map<string, Set<Session>>()
  return {
    get: client => byClient.get(client),
    of: deviceId => [...(byDevice.get(deviceId) ?? [])],
    open(client, certificate, { deviceId, expiresAt, acl }, expire) {
      const check = compileAcl(acl)
      let isSilenced = false
      const session: Session = {
        client,
        deviceId,
        certificate,
        refusal(action, topic) {
          if (isSilenced) return 'silenced'
          return clock().getTime() >= expiresAt.getTime() ? 'expired' : check(action, topic)
        },
        silence() {
          isSilenced = true
        },
        get isSilenced() {
          return isSilenced
        },
      }
      byClient.set(client, session)
      const siblings = byDevice.get(deviceId) ?? new Set()
      byDevice.set(deviceId, siblings.add(session))
      const cancelExpiry = startExpiryTimer(expiresAt, clock, () => expire(session))
      client.conn.once('close', () => {
        cancelExpiry()
        siblings.delete(session)
        if (siblings.size === 0) byDevice.delete(deviceId)
      })
      return session
    },
  }
}
