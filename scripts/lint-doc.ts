import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lintRules } from '../packages/core/src/authority/lint/rules/index.ts'
import { lintChecklist } from './lint-checklist.ts'

/** docs/lint.md, made from the rules and the checklist. */
export function lintDoc(): string {
  const rules = lintRules.map(
    ({ id, scope, severity, requirement, citation }) =>
      `| \`${id}\` | ${scope} | ${severity} | ${cell(requirement)} | ${cell(citation)} |`,
  )
  const lines = lintChecklist.map(({ section, requirement, rules: ids, reason }) => {
    const answer = [ids.map(id => `\`${id}\``).join(', '), reason ?? ''].filter(part => part !== '').join('. ')
    return `| ${section} | ${cell(requirement)} | ${cell(answer)} |`
  })
  return `# Lint

Made from \`packages/core/src/authority/lint/rules/\` and \`scripts/lint-checklist.ts\` by \`node --conditions=fleetcert-source scripts/lint-doc.ts\`; do not edit.

The lint looks at the final bytes of every certificate before they are signed, decoded again by the strict reader, and refuses to have them signed (\`ERR_PKI_LINT\`) for any finding: errors, and warnings too, because our own certificates have no
reason to break a SHOULD. \`lintCertificate(certificate, { issuer })\` applies the same rules to anybody's certificate.

- **scope** \`rfc\`: any certificate has to meet it. \`fleetcert\`: what fleetcert writes, and why; a stranger's certificate that differs is not wrong for that.
- **severity** \`error\`: MUST. \`warning\`: SHOULD, or a MUST whose exceptions cannot be seen in the certificate.
- Rules that compare a certificate with its issuer's are silent where the issuer is not given.

## Rules

| rule | scope | severity | requirement | citation |
| --- | --- | --- | --- | --- |
${rules.join('\n')}

## The checklist

What RFC 5280 and its neighbours ask of a certificate, line by line, and who sees to it.

| section | requirement | rule, or why there is none |
| --- | --- | --- |
${lines.join('\n')}
`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '..', 'docs', 'lint.md'), lintDoc())
