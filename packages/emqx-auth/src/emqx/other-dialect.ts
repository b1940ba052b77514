import type { EmqxBodyNames } from './emqx-body.ts'
import { resolveBodyKeys } from './emqx-body.ts'
import type { EmqxDialect } from './emqx-dialect.ts'
import type { EmqxQuestion } from './emqx-outcome.ts'
import type { ReadEmqxBody } from './read-emqx-body.ts'

const ownNames = { emqx4: resolveBodyKeys({}, 'emqx4'), emqx5: resolveBodyKeys({}, 'emqx5') }

/**
 * Whether a body was made for the other dialect, or for none of ours: a CONNECT that says nothing of a certificate where the dialect says it, a topic without the action.
 * Decided by the keys alone, which the broker's configuration chooses, never by the values, which clients choose: nobody can talk us into the softer deny.
 *
 * The keys of the two dialects differ where it counts, so a broker whose dialect was mistaken lets nobody in, which shows at once, instead of everybody.
 */
export function isForOtherDialect(
  { keys }: ReadEmqxBody,
  question: EmqxQuestion,
  dialect: EmqxDialect,
  names: EmqxBodyNames,
): boolean {
  if (keys.size === 0) return false
  if (question === 'authorize') return !keys.has(names.action)
  const own = [names.cert_pem, names.fingerprint, names.cert_common_name]
  if (!own.some(name => keys.has(name))) return true
  const other = ownNames[dialect === 'emqx5' ? 'emqx4' : 'emqx5']
  // With names of the operator's own both may be there.
  return keys.has(other.cert_pem) && !own.includes(other.cert_pem)
}
