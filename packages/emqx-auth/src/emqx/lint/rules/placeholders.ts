import { fillsPlaceholder, isPlaceholder, placeholderSince, type TemplateOwner } from '../../config/placeholders.ts'
import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { hooks, placeholdersOf } from '../rule-helpers.ts'

export const placeholders: EmqxLintRule = {
  id: 'placeholders',
  severity: 'error',
  requirement: 'The release fills every placeholder.',
  // One that is not known is sent as it stands: "${cert_pem}".
  *check(settings) {
    const { format, release } = settings
    for (const { owner, url, headers, body } of hooks(settings)) {
      const templates = [
        ...(url === undefined || format === 'emqx4' ? [] : [{ ...url, owner }]),
        ...body.map(field => ({ ...field, owner })),
        // Headers are filled with what the authenticator knows, also the authorizer's; in EMQX 4 neither they nor URLs are.
        ...(format === 'emqx4' ? [] : headers).map(field => ({ ...field, owner: 'authenticator' as const })),
      ]
      for (const template of templates) {
        for (const placeholder of placeholdersOf(template, format)) {
          const problem =
            format === 'emqx4'
              ? problemOf4(owner, placeholder)
              : !isPlaceholder(template.owner, placeholder)
                ? 'a placeholder that EMQX does not know is sent as it stands'
                : release !== undefined && !fillsPlaceholder(release, template.owner, placeholder)
                  ? `a placeholder that came with EMQX ${placeholderSince(template.owner, placeholder)} is sent as it stands`
                  : template.owner === 'authorizer' && placeholder === 'cert_pem'
                    ? 'the authorizer never has the certificate: this is always empty'
                    : undefined
          if (problem === undefined) continue
          yield {
            line: template.line,
            setting: template.name,
            message: problem,
            fix: 'take it out; docs/emqx.md has those of each release',
          }
        }
      }
    }
  },
}

function problemOf4(owner: TemplateOwner, placeholder: string): string | undefined {
  const known = owner === 'authenticator' ? '%u%c%a%r%P%p%C%d' : '%u%c%a%r%P%p%C%d%A%t%m'
  return known.includes(placeholder) ? undefined : 'a variable that EMQX 4 does not know is sent as it stands'
}
