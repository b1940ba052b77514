import type { RawExtension } from '../raw-extension.ts'
import type { BasicResponseView } from './ocsp-view.ts'

/** id-pkix-ocsp-nonce. */
export const nonceOid = '1.3.6.1.5.5.7.48.1.2'
/** id-pkix-ocsp-extended-revoke. */
export const extendedRevokeOid = '1.3.6.1.5.5.7.48.1.9'

/** responseExtensions and all singleExtensions, as far as they are there. */
export function extensionListsOf({ extensions, responses }: BasicResponseView): (readonly RawExtension[])[] {
  return [extensions, ...responses.map(single => single.extensions)].filter(list => list !== undefined)
}
