import { encodePem } from '@fleetcert/x509'
import type { SignedCrl } from '../fleet/fleet.ts'
import type { CrlName, CrlParts } from '../store/store.ts'

/** What callers get. The one array and the PEM are made when they are asked for, and the one array then is what the parts are views of: never two copies. */
export function toSignedCrl(name: CrlName, crl: CrlParts): SignedCrl {
  let { parts } = crl
  let der: Uint8Array | undefined
  let pem: string | undefined
  return {
    issuerKeyId: name.issuerKeyId,
    shard: name.shard,
    delta: name.delta ?? false,
    upToDate: true,
    get parts(): readonly Uint8Array[] {
      return parts
    },
    get der(): Uint8Array {
      if (der === undefined) {
        der = joinParts(parts)
        parts = views(der, parts)
      }
      return der
    },
    get pem(): string {
      pem ??= encodePem('X509 CRL', this.der)
      return pem
    },
    crlNumber: crl.crlNumber,
    thisUpdate: crl.thisUpdate,
    nextUpdate: crl.nextUpdate,
  }
}

/** The same CRL, for one who asked after a change that it does not show yet. */
export function outOfDate(crl: SignedCrl): SignedCrl {
  const { issuerKeyId, shard, delta, crlNumber, thisUpdate, nextUpdate } = crl
  return {
    issuerKeyId,
    shard,
    delta,
    upToDate: false,
    get parts(): readonly Uint8Array[] {
      return crl.parts
    },
    get der(): Uint8Array {
      return crl.der
    },
    get pem(): string {
      return crl.pem
    },
    crlNumber,
    thisUpdate,
    nextUpdate,
  }
}

function joinParts(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts))
}

function views(der: Uint8Array, parts: readonly Uint8Array[]): readonly Uint8Array[] {
  let offset = 0
  return parts.map(({ length }) => {
    offset += length
    return der.subarray(offset - length, offset)
  })
}
