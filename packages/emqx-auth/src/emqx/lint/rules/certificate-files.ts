import type { Certificate } from '@fleetcert/core'
import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { says, tlsListeners } from '../rule-helpers.ts'

export const certificateFiles: EmqxLintRule = {
  id: 'certificate-files',
  severity: 'error',
  requirement: 'The PEM files hold what EMQX expects, in its order.',
  // Erlang/OTP: `certfile` is the end entity, then its issuers. Without partial_chain a self-signed root is needed; with it the last certificate of `cacertfile` is what is trusted.
  *check(settings) {
    for (const { tls } of tlsListeners(settings)) {
      const [own, trusted] = [tls.get('certfile'), tls.get('cacertfile')]
      const chain = settings.files.get(String(own?.value))
      const anchors = settings.files.get(String(trusted?.value))
      if (chain !== undefined && !isInOrder(chain)) {
        yield {
          line: own!.line,
          setting: own!.name,
          message:
            'the file must hold the certificate of the broker first and after it each issuer of the one before: clients refuse it otherwise',
          fix: 'write certificate + chain of issueServer, in this order',
        }
      }
      if (anchors === undefined) continue
      const partial = tls.get('partial_chain')
      const isPartial = partial !== undefined && !says(partial, false)
      const isTrusted = isPartial ? isCa(anchors.at(-1)) : anchors.some(isSelfIssued)
      if (!isTrusted) {
        yield {
          line: trusted!.line,
          setting: trusted!.name,
          message: isPartial
            ? 'with partial_chain the last certificate of the file is what is trusted, and it is no CA'
            : 'no self-signed certificate in the file: no chain ends, and every device is refused with unknown_ca',
          fix: 'the issuing CA and after it the root',
        }
      }
    }
  },
}

function isInOrder(chain: readonly Certificate[]): boolean {
  return (
    chain.every((certificate, index) => {
      const before = chain[index - 1]
      return before === undefined
        ? !isCa(certificate)
        : isCa(certificate) && same(before.issuerDer, certificate.subjectDer)
    }) && chain.length > 0
  )
}

function isCa(certificate: Certificate | undefined): boolean {
  return certificate?.basicConstraints?.cA === true
}

function isSelfIssued({ issuerDer, subjectDer }: Certificate): boolean {
  return same(issuerDer, subjectDer)
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
