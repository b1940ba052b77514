import type { HubActionType, HubAuthorize } from '../hub.ts'
import { actionSet, brokerActions } from './actions.ts'
import { headerAuthorize } from './header-authorize.ts'
import { secretTest } from './secrets.ts'

/**
 * An {@link HubAuthorize} that lets callers in who send one of the secrets as the whole value of a header, compared in constant time. Covers the broker's questions; `actions` changes that.
 * Several secrets, for the time while one is being replaced.
 *
 * @example
 * sharedSecret({ header: 'x-broker-secret', secret: process.env.BROKER_SECRET! })
 *
 * @throws TypeError for a secret that is not set, empty, or holds spaces, and for an illegal header name
 */
export function sharedSecret(options: {
  /** Its name, in any case. */
  readonly header: string
  /** One, or several of which each is good. */
  readonly secret: string | readonly string[]
  /** Default: `authenticate` and `authorize`. */
  readonly actions?: readonly HubActionType[]
}): HubAuthorize {
  // RFC 9110 section 5.6.2: token.
  if (typeof options.header !== 'string' || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(options.header)) {
    throw new TypeError('sharedSecret: header: expected the name of a header')
  }
  const name = options.header.toLowerCase()
  const isSecret = secretTest('sharedSecret: secret', options.secret)
  const actions = actionSet('sharedSecret: actions', options.actions ?? brokerActions)
  return headerAuthorize((header, action) => {
    const sent = header(name)
    return actions.has(action.type) && sent !== undefined && isSecret(sent)
  })
}
