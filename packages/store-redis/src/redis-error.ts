import { PkiError } from '@fleetcert/core'
import { storeCorrupt, storeUnavailable } from './store-errors.ts'

/** By the first word of an error reply. Whatever it is, the script did nothing, or all of it and the answer was lost. */
const unavailable: Readonly<Record<string, string>> = {
  ASK: 'the cluster is moving the fleet to another node',
  BUSY: 'the server is busy with a script',
  CLUSTERDOWN: 'the cluster is down',
  LOADING: 'the server is loading its data',
  MASTERDOWN: 'the replica has lost its master',
  MISCONF: 'the server cannot write to its disk',
  MOVED: 'the fleet is at another node of the cluster',
  NOAUTH: 'access denied',
  NOPERM: 'access denied',
  NOREPLICAS: 'too few replicas are connected',
  OOM: 'the server is out of memory',
  READONLY: 'the server is a replica, which takes no writes',
  TRYAGAIN: 'the cluster is moving the fleet to another node',
  UNBLOCKED: 'the server became a replica',
  UNKILLABLE: 'the server is busy with a script',
  WRONGPASS: 'access denied',
}

/** What an error reply begins with, of either client. */
export function replyCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  // node-redis gives its errors no names of their own.
  if (
    !/^(?:ReplyError|ErrorReply|SimpleError|BlobError)$/.test(
      error.name === 'Error' ? error.constructor.name : error.name,
    )
  ) {
    return undefined
  }
  return /^[A-Z]+(?= |$)/.exec(error.message)?.[0] ?? 'ERR'
}

/**
 * The `PkiError` for whatever a client rejects with. No text of the client or the server is passed on, and not the error itself: ioredis keeps the command in it, with hashes of tokens and certificates among its arguments.
 */
export function toPkiError(error: unknown): PkiError {
  if (error instanceof PkiError) return error
  const code = replyCode(error)
  if (code === undefined) return storeUnavailable('the server cannot be reached', named(error))
  if (code === 'WRONGTYPE') return storeCorrupt('a key of the fleet holds something else', named(error, code))
  if (code === 'FLEETSEALED') return new PkiError('ERR_PKI_STORE_MOVED', {})
  if (code === 'FLEETRECEIVING') return new PkiError('ERR_PKI_STORE_INCOMPLETE', {})
  const reason = unavailable[code]
  if (reason !== undefined) return storeUnavailable(reason, named(error, code))
  // Scripts are ours: what they stumble over is data that is not as they left it.
  const { message = '' } = error as Error
  if (/script|user_function/i.test(message)) return storeCorrupt('a script stumbled over the data', named(error, code))
  return storeUnavailable('the server refused a command', named(error, code))
}

/** An error without anything of what was sent. */
function named(error: unknown, code?: string): Error {
  const { name = 'Error', code: systemCode } = (error ?? {}) as { readonly name?: string; readonly code?: unknown }
  const cause = new Error(code ?? (typeof systemCode === 'string' ? systemCode : name))
  cause.name = name
  return cause
}
