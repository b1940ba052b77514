import type { GeneralName, PublicKeyInfo } from '@fleetcert/x509'
import { formatName } from '@fleetcert/x509'

const purposes: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'server (TLS)',
  '1.3.6.1.5.5.7.3.2': 'client (TLS)',
  '1.3.6.1.5.5.7.3.3': 'code signing',
  '1.3.6.1.5.5.7.3.4': 'e-mail',
  '1.3.6.1.5.5.7.3.8': 'time stamps',
  '1.3.6.1.5.5.7.3.9': 'OCSP answers',
  '2.5.29.37.0': 'anything',
}

/** What a key is for, from ExtendedKeyUsage. */
export function purposeWords(oids: readonly string[] | undefined): string | undefined {
  return oids?.map(oid => purposes[oid] ?? oid).join(', ')
}

/** A key's kind, as people say it. */
export function keyWords(key: PublicKeyInfo): string {
  switch (key.type) {
    case 'ec':
      return key.curve
    case 'rsa':
      return `RSA, ${key.modulusBits} bits`
    case 'ed25519':
      return 'Ed25519'
    case 'unsupported':
      return `not supported (${key.algorithm})`
    default:
      return key.type.toUpperCase()
  }
}

/** Names of SubjectAltName. */
export function nameWords(names: readonly GeneralName[] | undefined): string | undefined {
  return names
    ?.map(name => {
      if (name.type === 'directoryName') return formatName(name.value)
      return name.type === 'other' ? `other name [${name.tag}]` : `${name.type}:${name.value}`
    })
    .join(', ')
}

/** A date, and how far it is from now. */
export function dateWords(date: Date, now: Date): string {
  const seconds = (date.getTime() - now.getTime()) / 1000
  const distance = Math.abs(seconds)
  const [count, unit] =
    distance < 7200
      ? [distance / 60, 'minutes']
      : distance < 2 * 86_400
        ? [distance / 3600, 'hours']
        : [distance / 86_400, 'days']
  const words = `${Math.round(count)} ${unit}`
  return `${date.toISOString()} (${seconds < 0 ? `${words} ago` : `in ${words}`})`
}

/** No text of a stranger's file moves the cursor of a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?')
}
