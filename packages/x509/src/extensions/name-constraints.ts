import { context, sequence } from '../der/tlv.ts'
import { encodeExtension } from './extension.ts'
import { extensionOids } from './extension-oids.ts'
import { encodeGeneralName } from './general-name.ts'

/** The base of a GeneralSubtree: a DNS name and all below it, or the addresses that agree with `address` in the bits of `mask`, 4 or 16 octets each. */
export type NameSubtree =
  | { readonly type: 'dns'; readonly value: string }
  | { readonly type: 'ip'; readonly address: Uint8Array; readonly mask: Uint8Array }

/**
 * NameConstraints of a CA, whole Extension, critical: "Conforming CAs MUST mark this extension as critical" (RFC 5280 section 4.2.1.10). A form of name that neither list holds is not constrained.
 *
 * @throws PkiError `ERR_PKI_NAME`; TypeError where both lists are empty: "Conforming CAs MUST NOT issue certificates where name constraints is an empty sequence"
 */
export function nameConstraints({
  permitted = [],
  excluded = [],
}: {
  readonly permitted?: readonly NameSubtree[]
  readonly excluded?: readonly NameSubtree[]
}): Uint8Array {
  if (permitted.length + excluded.length === 0) throw new TypeError('nameConstraints: expected a subtree')
  const lists = [permitted, excluded].flatMap((subtrees, tag) =>
    subtrees.length === 0 ? [] : [context(tag, true, ...subtrees.map(subtreeOf))],
  )
  return encodeExtension(extensionOids.nameConstraints, true, sequence(...lists))
}

/** "the minimum MUST be zero, and maximum MUST be absent": a DEFAULT is not written. */
function subtreeOf(subtree: NameSubtree): Uint8Array {
  if (subtree.type === 'dns') return sequence(encodeGeneralName(subtree))
  const { address, mask } = subtree
  if (address.length !== mask.length || (address.length !== 4 && address.length !== 16)) {
    throw new TypeError('nameConstraints: expected an address and a mask of 4 or 16 octets each')
  }
  const octets = new Uint8Array(2 * address.length)
  octets.set(address)
  octets.set(mask, address.length)
  return sequence(context(7, false, octets))
}
