import { extensionOids } from '@fleetcert/x509'
import { contextTag, type DerReader, derTag } from '@fleetcert/x509/der'
import { findRaw } from '../raw-extension.ts'
import { readWhole } from '../raw-fields.ts'
import type { CrlView } from './crl-view.ts'

const uriTag = contextTag(6, false)
const holders = [extensionOids.issuingDistributionPoint, extensionOids.freshestCrl, extensionOids.authorityInfoAccess]

/** Every URI in issuingDistributionPoint, freshestCRL and authorityInfoAccess; of a malformed extension none. */
export function publishedUrls({ extensions = [] }: CrlView): string[] {
  return holders.flatMap(oid => {
    const value = findRaw(extensions, oid)?.value
    return (value && readWhole(value, reader => collect(reader, []))) ?? []
  })
}

/** The uniformResourceIdentifiers wherever they nest: no other field of these three types is a primitive `[6]`. */
function collect(reader: DerReader, urls: string[]): string[] {
  const tag = reader.peekTag() ?? derTag.sequence
  if (tag === uriTag) urls.push(Buffer.from(reader.content(uriTag)).toString('latin1'))
  else if ((tag & 0x20) === 0) reader.element()
  else {
    reader.enter(tag)
    while (!reader.atEnd) collect(reader, urls)
    reader.leave()
  }
  return urls
}
