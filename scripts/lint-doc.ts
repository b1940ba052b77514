import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lintRules } from '../packages/core/src/authority/lint/rules/index.ts'
import { crlLintRules } from '../packages/core/src/revocation/lint/crl/rules/index.ts'
import { ocspLintRules } from '../packages/core/src/revocation/lint/ocsp/rules/index.ts'
import type { LintRequirement } from '../packages/core/src/revocation/lint/requirement.ts'
import { type ChecklistLine, lintChecklist } from './lint-checklist.ts'
import { crlChecklist } from './lint-checklist-crl.ts'
import { ocspChecklist } from './lint-checklist-ocsp.ts'

/** docs/lint.md, made from the rules and the checklists. */
export function lintDoc(): string {
  return `# Lint

Made from the rules in \`packages/core/src/authority/lint/rules/\` and \`packages/core/src/revocation/lint/\`, and from \`scripts/lint-checklist*.ts\`, by \`node --conditions=fleetcert-source scripts/lint-doc.ts\`; do not edit.

The lint looks at the final bytes of every certificate before they are signed, decoded again by the strict reader, and refuses to have them signed (\`ERR_PKI_LINT\`) for any finding: errors, and warnings too, because our own certificates have no
reason to break a SHOULD. \`lintCertificate(certificate, { issuer })\` applies the same rules to anybody's certificate, \`lintCrl(crl, { issuer })\` those for CRLs to anybody's CRL, and \`lintOcspResponse(response, { issuer, request })\` those for
OCSP responses to anybody's.

- **scope** \`rfc\`: all of them have to meet it. \`fleetcert\`: what fleetcert writes, and why; a stranger's that differs is not wrong for that.
- **severity** \`error\`: MUST. \`warning\`: SHOULD, or a MUST whose exceptions cannot be seen from outside.
- Rules that compare with the issuer's certificate, or an answer with its request, are silent where those are not given.
- Nothing is verified: neither signatures nor whether something is current.

## Certificates

${ruleTable(lintRules)}

### The checklist

What RFC 5280 and its neighbours ask of a certificate, line by line, and who sees to it.

${checklistTable(lintChecklist)}

## CRLs

Rules on entries stop at the first entry that breaks them and say which it is. Of a large CRL \`sampleEntries\` looks at some, evenly spread; frames and lengths are always checked to the end. Time is linear in the size.

${ruleTable(crlLintRules)}

### The checklist

What RFC 5280 section 5 and its neighbours ask of a CRL, line by line, and who sees to it.

${checklistTable(crlChecklist)}

## OCSP responses

${ruleTable(ocspLintRules)}

### The checklist

What RFC 6960, RFC 9919 and RFC 9654 ask of an OCSP response, line by line, and who sees to it.

${checklistTable(ocspChecklist)}
`
}

function ruleTable(rules: readonly LintRequirement[]): string {
  const rows = rules.map(
    ({ id, scope, severity, requirement, citation }) =>
      `| \`${id}\` | ${scope} | ${severity} | ${cell(requirement)} | ${cell(citation)} |`,
  )
  return ['| rule | scope | severity | requirement | citation |', '| --- | --- | --- | --- | --- |', ...rows].join('\n')
}

function checklistTable(checklist: readonly ChecklistLine[]): string {
  const rows = checklist.map(({ section, requirement, rules, reason }) => {
    const answer = [rules.map(id => `\`${id}\``).join(', '), reason ?? ''].filter(part => part !== '').join('. ')
    return `| ${section} | ${cell(requirement)} | ${cell(answer)} |`
  })
  return ['| section | requirement | rule, or why there is none |', '| --- | --- | --- |', ...rows].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '..', 'docs', 'lint.md'), lintDoc())
