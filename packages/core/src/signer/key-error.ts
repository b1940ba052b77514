import { PkiError } from '@fleetcert/x509'

/** `ERR_PKI_KEY_UNREADABLE`; without a name it is all keys of a folder that cannot be listed. */
export function unreadable(name: string | undefined, reason: string, cause?: unknown): PkiError {
  return new PkiError('ERR_PKI_KEY_UNREADABLE', { ...(name === undefined ? {} : { name }), reason }, causeOf(cause))
}

/** What `work` does; what the system refuses becomes `ERR_PKI_KEY_UNREADABLE` with the system's code as its reason. */
export async function orUnreadable<T>(name: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const code = systemCode(error)
    throw code === undefined ? error : unreadable(name, code, error)
  }
}

/** What `work` does; what the system refuses becomes `ERR_PKI_KEY_UNWRITABLE` with the system's code as its reason. */
export async function orUnwritable<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const code = systemCode(error)
    throw code === undefined ? error : new PkiError('ERR_PKI_KEY_UNWRITABLE', { name, reason: code }, causeOf(error))
  }
}

/** The code of an error of the operating system, `ENOENT` and the like; of no other error. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  // Node's own codes (ERR_…) name bugs of the caller.
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined
}

function causeOf(cause: unknown): { cause?: unknown } {
  return cause === undefined ? {} : { cause }
}
