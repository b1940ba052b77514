import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PkiErrorCode, pkiErrorSentences } from '../packages/x509/src/pki-error-codes.ts'

/** Codes of what is still to come: nothing throws them yet. A test holds this list against the sources. */
export const reservedErrorCodes: readonly PkiErrorCode[] = []

/** docs/errors.md, made from the one table of codes. */
export function errorsDoc(): string {
  const rows = Object.entries(pkiErrorSentences).map(([code, sentence]) => {
    const mark = (reservedErrorCodes as readonly string[]).includes(code) ? ' *Reserved.*' : ''
    return `| \`${code}\` | ${sentence}${mark} |`
  })
  return `# Errors

Made from \`packages/x509/src/pki-error-codes.ts\` by \`pnpm errors-doc\`; do not edit.

Every error that foreign input, a store, a signer or a network can cause is a \`PkiError\`. Tell them apart by \`code\`; ask \`isPkiError(error, code?)\`, not \`instanceof\`. What is known beyond the code is in \`details\`,
whose shape the code fixes. No message or detail holds PEM, a key, a token or a passphrase. A caller's own mistakes are \`TypeError\` and \`RangeError\`.
A code that is marked *reserved* belongs to a feature that is not there yet: nothing throws it.

| code | sentence |
| --- | --- |
${rows.join('\n')}
`
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '..', 'docs', 'errors.md'), errorsDoc())
