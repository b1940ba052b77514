/** How RFC 5280 appendix A.1 (for UID RFC 4524, for what is missing there X.520) has an attribute of a name written. */
interface AttributeRule {
  readonly string: 'directory' | 'printable' | 'ia5'
  /** In characters. */
  readonly upperBound: number
}

const directory = (upperBound: number): AttributeRule => ({ string: 'directory', upperBound })
const printable = (upperBound: number): AttributeRule => ({ string: 'printable', upperBound })
const ia5 = (upperBound: number): AttributeRule => ({ string: 'ia5', upperBound })

/** By the short names that parsed names have. Attributes of other types are not judged. */
export const attributeRules: ReadonlyMap<string, AttributeRule> = new Map([
  ['CN', directory(64)],
  ['SN', directory(32_768)],
  ['serialNumber', printable(64)],
  ['C', printable(2)],
  ['L', directory(128)],
  ['ST', directory(128)],
  ['street', directory(128)],
  ['O', directory(64)],
  ['OU', directory(64)],
  ['title', directory(64)],
  ['name', directory(32_768)],
  ['givenName', directory(32_768)],
  ['initials', directory(32_768)],
  ['generationQualifier', directory(32_768)],
  ['pseudonym', directory(128)],
  ['dnQualifier', printable(64)],
  ['emailAddress', ia5(255)],
  ['UID', directory(256)],
  ['DC', ia5(63)],
])

/** Whether all characters are of PrintableString (X.680 section 41.4). */
export function isPrintableText(text: string): boolean {
  return /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text)
}
