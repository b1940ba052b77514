import type { HubActionType, HubAuthorize } from '../hub.ts'
import { actionSet, operatorActions } from './actions.ts'
import { bearerCredential } from './bearer-credential.ts'
import { headerAuthorize } from './header-authorize.ts'
import { secretTest } from './secrets.ts'

/**
 * An {@link HubAuthorize} that lets callers in who send `Authorization: Bearer <token>` (RFC 6750 section 2.1) with one of `tokens`, compared in constant time.
 * Covers what operators do; `actions` narrows or widens that. Several tokens, for the time while one is being replaced.
 *
 * @example
 * bearerToken(process.env.OPERATOR_TOKEN!)
 * bearerToken(readToken, { actions: ['read', 'list'] })
 *
 * @throws TypeError for a token that is not set, empty, or holds spaces
 */
export function bearerToken(
  tokens: string | readonly string[],
  options: {
    /** Default: everything but the broker's questions. */
    readonly actions?: readonly HubActionType[]
  } = {},
): HubAuthorize {
  const isToken = secretTest('bearerToken', tokens)
  const actions = actionSet('bearerToken: actions', options.actions ?? operatorActions)
  return headerAuthorize((header, action) => {
    const sent = bearerCredential(header('authorization'))
    return actions.has(action.type) && sent !== undefined && isToken(sent)
  })
}
