import type { Fleet, SignedCrl } from '@fleetcert/core'
import { shareLookUp } from '../../exchange/share-look-up.ts'
import { pemParts } from './pem-parts.ts'
import { type PublicFile, publicFile } from './public-file.ts'

/** Which list. */
export interface CrlFileScope {
  readonly issuerKeyId: string
  readonly shard: number
  readonly delta: boolean
}

/** A list and its file in one of the two forms. */
export interface CrlFile {
  readonly file: PublicFile
  readonly nextUpdate: Date
}

/** The CRLs as files. */
export interface CrlFiles {
  /** The file of the list that is current when this is called. Rejects what `fleet.crl` rejects. */
  current(scope: CrlFileScope, form: 'crl' | 'pem'): Promise<CrlFile>
}

interface Version {
  readonly crl: SignedCrl
  readonly isLastModifiedUnique: boolean
  readonly forms: Map<'crl' | 'pem', Promise<PublicFile>>
}

/**
 * Keeps the newest version of every list: hashing one of 49 MB for each reader would take longer than sending it.
 * Readers at the same time share the look-up, the hashing and the bytes.
 */
export function createCrlFiles(fleet: Fleet): CrlFiles {
  const kept = new Map<string, Version>()
  const lookUps = new Map<string, () => Promise<Version>>()

  const lookUp = async (name: string, scope: CrlFileScope): Promise<Version> => {
    const { issuerKeyId, shard, delta } = scope
    const crl = await fleet.crl({ issuerKeyId, shard, ...(delta ? { delta } : {}) })
    const previous = kept.get(name)
    if (previous !== undefined && isSame(previous.crl, crl)) return previous
    const version: Version = {
      crl,
      isLastModifiedUnique: isAloneInItsSecond(crl, previous?.crl),
      forms: new Map(),
    }
    kept.set(name, version)
    return version
  }

  const shareOf = (name: string, scope: CrlFileScope): (() => Promise<Version>) => {
    const known = lookUps.get(name)
    if (known !== undefined) return known
    const share = shareLookUp(() => lookUp(name, scope))
    lookUps.set(name, share)
    return share
  }

  return {
    async current(scope, form) {
      const name = `${scope.issuerKeyId}-${scope.shard}-${scope.delta}`
      let version: Version
      try {
        version = await shareOf(name, scope)()
      } catch (error) {
        // Names that strangers make up must not pile up.
        if (!kept.has(name)) lookUps.delete(name)
        throw error
      }
      let file = version.forms.get(form)
      if (file === undefined) {
        file = fileOf(version, form)
        version.forms.set(form, file)
        file.catch(() => version.forms.delete(form))
      }
      return { file: await file, nextUpdate: version.crl.nextUpdate }
    },
  }
}

/** The time as well as the number: a store that was restored from a backup counts some numbers a second time. */
function isSame(one: SignedCrl, other: SignedCrl): boolean {
  return one.crlNumber === other.crlNumber && one.thisUpdate.getTime() === other.thisUpdate.getTime()
}

/** Known only of the first list of all, and where this process has served the list just before it. */
function isAloneInItsSecond(crl: SignedCrl, previous: SignedCrl | undefined): boolean {
  if (crl.crlNumber === 1n) return true
  return crl.crlNumber - 1n === previous?.crlNumber && previous.thisUpdate < crl.thisUpdate
}

async function fileOf({ crl, isLastModifiedUnique }: Version, form: 'crl' | 'pem'): Promise<PublicFile> {
  const [parts, contentType] =
    form === 'crl'
      ? [crl.parts, 'application/pkix-crl']
      : [await pemParts('X509 CRL', crl.parts), 'application/x-pem-file']
  return publicFile(parts, contentType, crl.thisUpdate, isLastModifiedUnique)
}
