import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { dirname, join } from 'node:path'
import { certificateFingerprint, decodePem, isPkiError, PkiError } from '@fleetcert/x509'
import { readTextFile } from '../read-text-file.ts'
import { type FileSystem, nodeFileSystem } from './file-system.ts'
import type { IdentityState, IdentityStorage, LoadedState, StoredCredential } from './identity-state.ts'
import { decodeState, encodeState } from './state-text.ts'

const revisionName = /^([1-9][0-9]{0,14})\.state$/
const temporaryName = /^\.[0-9a-f]{16}\.tmp$/
const staleMilliseconds = 3_600_000

interface Pair {
  readonly certificate: string
  readonly privateKey: string
}

/**
 * An identity's state in a fleet's folder. Each state is a file of its own, `devices/<id>-identity/<revision>.state`: written beside, synced, and given its name by a hard link, which fails when another process was
 * first. So a power cut leaves the state before or the one behind, whole, and two processes never undo each other's step. The one before stays as a spare in case the disk damages the last.
 *
 * `devices/<id>-cert.pem` and `-key.pem` are the first credential, and later copies of the current one for other programs. A newer pair that a person puts there takes over.
 */
export function createFileStorage(
  directory: string,
  deviceId: string,
  fileSystem: FileSystem = nodeFileSystem,
): IdentityStorage {
  const devices = join(directory, 'devices')
  const states = join(devices, `${deviceId}-identity`)
  const certificatePath = join(devices, `${deviceId}-cert.pem`)
  const privateKeyPath = join(devices, `${deviceId}-key.pem`)
  const trustPath = join(devices, `${deviceId}-trust.pem`)

  async function load(): Promise<LoadedState> {
    const { revision, last } = await readStates()
    const trusted = async (isNeeded: boolean): Promise<{ readonly localTrustAnchors?: string }> => {
      const localTrustAnchors = await readTrustAnchors(isNeeded)
      return localTrustAnchors === undefined ? {} : { localTrustAnchors }
    }
    if (last?.current === undefined && last?.pending === undefined) {
      const pair = await readPair()
      if (pair === undefined) return { revision, state: last ?? {}, ...(await trusted(false)) }
      return { revision, state: { current: { ...pair, trustAnchors: '' } }, ...(await trusted(true)) }
    }
    const local = await trusted(false)
    const pair = await readPair().catch(() => undefined)
    if (pair === undefined || local.localTrustAnchors === undefined || !takesOver(pair, last)) {
      return { revision, state: last, ...local }
    }
    return { revision, state: { current: { ...pair, trustAnchors: '' } }, ...local }
  }

  /** The last state that is whole, and the highest number there is. */
  async function readStates(): Promise<{ readonly revision: number; readonly last?: IdentityState }> {
    // A state that another process replaces meanwhile is gone when it is to be read; then there is a newer one.
    for (let attempt = 0; ; attempt++) {
      const revisions = await listRevisions()
      try {
        for (const revision of revisions) {
          const last = decodeState(await readTextFile(pathOf(revision), { fileSystem, isSecret: true }))
          if (last !== undefined) return { revision: revisions[0]!, last }
        }
        return { revision: revisions[0] ?? 0 }
      } catch (error) {
        if (!isMissingFile(error) || attempt === 8) throw error
      }
    }
  }

  async function listRevisions(): Promise<number[]> {
    const names = await fileSystem.list(states).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return []
      throw new PkiError('ERR_PKI_IDENTITY', { reason: `cannot read ${states}: ${cause.code}` }, { cause })
    })
    const numbers = names.flatMap(name => revisionName.exec(name)?.[1] ?? []).map(Number)
    return numbers.sort((one, other) => other - one)
  }

  const pathOf = (revision: number): string => join(states, `${revision}.state`)

  async function readPair(): Promise<Pair | undefined> {
    const [certificate, privateKey] = await Promise.all([
      readTextFile(certificatePath, { fileSystem }).catch(unlessMissingFile),
      readTextFile(privateKeyPath, { fileSystem, isSecret: true }).catch(unlessMissingFile),
    ])
    if (certificate === undefined && privateKey === undefined) return undefined
    if (certificate !== undefined && privateKey !== undefined) return { certificate, privateKey }
    const path = certificate === undefined ? certificatePath : privateKeyPath
    throw new PkiError('ERR_PKI_IDENTITY', { reason: `cannot read ${path}: ENOENT` })
  }

  /** What a person trusts: the copy beside the devices, or the fleet's own file where that is missing. */
  async function readTrustAnchors(isNeeded: boolean): Promise<string | undefined> {
    const copy = await readTextFile(join(devices, 'ca-cert.pem'), { fileSystem }).catch(unlessMissingFile)
    if (copy !== undefined) return copy
    const own = readTextFile(join(directory, 'ca-cert.pem'), { fileSystem })
    return isNeeded ? own : own.catch(unlessMissingFile)
  }

  async function save(state: IdentityState, revision: number): Promise<boolean> {
    const temporary = join(states, `.${randomBytes(8).toString('hex')}.tmp`)
    const target = pathOf(revision + 1)
    try {
      await makeDirectories()
      await write(temporary, encodeState(state))
      try {
        await fileSystem.link(temporary, target)
      } catch (error) {
        if (!hasNoLinks(error)) throw error
        await write(target, encodeState(state))
      }
      await fileSystem.syncDirectory(states)
      return true
    } catch (cause) {
      if (codeOf(cause) === 'EEXIST') return false
      throw new PkiError(
        'ERR_PKI_IDENTITY_UNWRITABLE',
        { reason: `cannot write ${states}: ${codeOf(cause) ?? 'unknown'}` },
        { cause },
      )
    } finally {
      await fileSystem.unlink(temporary).catch(() => {})
    }
  }

  async function makeDirectories(): Promise<void> {
    for (const path of [directory, devices, states]) {
      try {
        await fileSystem.makeDirectory(path, 0o700)
        await fileSystem.syncDirectory(dirname(path))
      } catch (error) {
        // A read-only disk says EROFS also of what is there.
        if (codeOf(error) !== 'EEXIST' && !(await isThere(path))) throw error
      }
    }
  }

  function isThere(path: string): Promise<boolean> {
    return fileSystem.list(path).then(
      () => true,
      () => false,
    )
  }

  async function write(path: string, text: string, mode = 0o600): Promise<void> {
    const file = await fileSystem.create(path, mode)
    try {
      await file.write(text)
      await file.sync()
    } catch (error) {
      await fileSystem.unlink(path).catch(() => {})
      throw error
    } finally {
      await file.close().catch(() => {})
    }
  }

  let hasWarned = false
  async function tidy(): Promise<void> {
    try {
      await copyCurrent()
      await removeOld()
    } catch (error) {
      if (hasWarned) return
      hasWarned = true
      const reason = isPkiError(error) ? error.code : (codeOf(error) ?? 'unknown')
      process.emitWarning(`the copies beside ${states} could not be written: ${reason}`, {
        type: 'FleetcertWarning',
        code: 'identityCopies',
      })
    }
  }

  /** Other programs may look while one of the files is new and the other is not; the identity itself never reads these two once there is a state. */
  async function copyCurrent(): Promise<void> {
    const { last } = await readStates()
    const { state } = await load()
    const { current, previous = [] } = state
    if (last?.current === undefined || (current !== undefined && last.current.certificate !== current.certificate))
      return
    const text = await readTextFile(certificatePath, { fileSystem }).catch(() => undefined)
    // What a person is just putting there is not ours to replace.
    const known = [...previous, fingerprintOf(last.current.certificate)]
    if (text !== undefined && !known.includes(fingerprintOf(text))) return
    await copy(privateKeyPath, last.current.privateKey, 0o600)
    await copy(certificatePath, last.current.certificate, 0o644)
    if (last.current.trustAnchors !== '') await copy(trustPath, last.current.trustAnchors, 0o644)
  }

  async function copy(path: string, text: string, mode: number): Promise<void> {
    const there = await readTextFile(path, { fileSystem }).catch(() => undefined)
    if (there === text) return
    const temporary = join(devices, `.${randomBytes(8).toString('hex')}.tmp`)
    try {
      await write(temporary, text, mode)
      await fileSystem.rename(temporary, path)
      await fileSystem.syncDirectory(devices)
    } catch (error) {
      await fileSystem.unlink(temporary).catch(() => {})
      throw error
    }
  }

  async function removeOld(): Promise<void> {
    let whole = 0
    for (const revision of await listRevisions()) {
      if (whole >= 2) await remove(pathOf(revision))
      else if (decodeState(await readTextFile(pathOf(revision), { fileSystem })) !== undefined) whole += 1
    }
    for (const name of await fileSystem.list(states).catch(unlessMissing)) {
      // Of a process that may be writing it now, unless it is old.
      if (!temporaryName.test(name)) continue
      const path = join(states, name)
      const modifiedAt = await fileSystem.modifiedAt(path)
      if (Date.now() - modifiedAt.getTime() > staleMilliseconds) await remove(path)
    }
  }

  /** Another process may have done it. */
  async function remove(path: string): Promise<void> {
    await fileSystem.unlink(path).catch(unlessMissing)
  }

  return { load, save, tidy }
}

/** Whether a person has put a newer credential there: a pair that fits, is none of those that were, and does not begin before the current one. */
function takesOver(pair: Pair, { current, previous = [] }: IdentityState): boolean {
  const fingerprint = fingerprintOf(pair.certificate)
  if (fingerprint === undefined || previous.includes(fingerprint)) return false
  if (current !== undefined && fingerprintOf(current.certificate) === fingerprint) return false
  try {
    const certificate = endEntityOf(pair.certificate)
    if (!certificate.checkPrivateKey(createPrivateKey(pair.privateKey))) return false
    return current === undefined || notBeforeOf(certificate) >= notBeforeOf(endEntityOf(current.certificate))
  } catch {
    return false
  }
}

function endEntityOf(text: StoredCredential['certificate']): X509Certificate {
  return new X509Certificate(decodePem(text, 'CERTIFICATE')[0]!.der)
}

function notBeforeOf(certificate: X509Certificate): number {
  return new Date(certificate.validFrom).getTime()
}

function fingerprintOf(text: string): string | undefined {
  try {
    return certificateFingerprint(decodePem(text, 'CERTIFICATE')[0]!.der)
  } catch {
    return undefined
  }
}

function isMissingFile(error: unknown): boolean {
  return isPkiError(error) && codeOf(error.cause) === 'ENOENT'
}

function unlessMissingFile(error: unknown): undefined {
  if (!isMissingFile(error)) throw error
}

function unlessMissing(error: unknown): readonly string[] {
  if (codeOf(error) !== 'ENOENT') throw error
  return []
}

function hasNoLinks(error: unknown): boolean {
  // EPERM is FAT's answer on Linux (link(2): "The filesystem … does not support the creation of hard links").
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error) ?? '')
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}
