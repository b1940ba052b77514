import { createRequire } from 'node:module'
import type * as pkcs11js from 'pkcs11js'
import { failed, returnValue } from './failure.ts'

/** The functions of a module, as pkcs11js has them, and its constants. */
export interface Module {
  readonly p11: pkcs11js.PKCS11
  readonly ck: typeof pkcs11js
}

/** Loads a module into this thread; it is in the process once, whoever loads it. Failures of the kind `module`. */
export function loadModule(path: string): Module {
  let ck: typeof pkcs11js
  try {
    // Compiled when it was installed, and optional: it may be absent, or made for another Node.js.
    ck = createRequire(import.meta.url)('pkcs11js')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw failed(
      'module',
      code === 'MODULE_NOT_FOUND'
        ? 'pkcs11js is not installed or was not compiled: npm install pkcs11js, which takes a C++ compiler'
        : `pkcs11js cannot be loaded (${code ?? 'no code'})`,
    )
  }
  const p11 = new ck.PKCS11()
  try {
    p11.load(path)
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : ''
    throw failed('module', `the module cannot be loaded (${reason})`)
  }
  return { p11, ck }
}

/** C_Initialize, with locks of the operating system, since several threads use the module. False if somebody else in this process has done it. */
export function initialize({ p11, ck }: Module): boolean {
  try {
    p11.C_Initialize({ flags: ck.CKF_OS_LOCKING_OK })
    return true
  } catch (error) {
    const reason = returnValue(error)
    if (reason === 'CKR_CRYPTOKI_ALREADY_INITIALIZED') return false
    throw failed('module', `the module cannot be initialised (${reason ?? 'no reason'})`)
  }
}

/** C_Finalize. That it is not initialised is no failure. */
export function finalize({ p11 }: Module): void {
  try {
    p11.C_Finalize()
  } catch (error) {
    if (returnValue(error) === undefined) throw error
  }
}
