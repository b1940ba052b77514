import { PkiError, type StoreRecordKind } from '@fleetcert/core'
import { badCursor, storeCorrupt, storeUnavailable } from './store-errors.ts'

/** What the server answers where it refuses a change, and nothing was changed. */
export type Refusal =
  | { readonly error: 'cursor' | 'uploadGone' | 'moved' | 'incomplete' | 'inUse' }
  | { readonly error: 'record'; readonly kind: StoreRecordKind; readonly reason: string }

export function isRefusal(answer: unknown): answer is Refusal {
  return typeof (answer as { readonly error?: unknown } | null)?.error === 'string'
}

export function refusalError(refusal: Refusal): PkiError {
  switch (refusal.error) {
    case 'cursor':
      return badCursor()
    case 'uploadGone':
      return storeUnavailable('the parts of a CRL were sent too slowly')
    case 'moved':
      return new PkiError('ERR_PKI_STORE_MOVED', {})
    case 'incomplete':
      return new PkiError('ERR_PKI_STORE_INCOMPLETE', {})
    case 'inUse':
      return new PkiError('ERR_PKI_STORE_IN_USE', {})
    case 'record':
      return new PkiError('ERR_PKI_STORE_RECORD', { kind: refusal.kind, reason: refusal.reason })
    default:
      return storeCorrupt('the server refused for a reason that is not known')
  }
}
