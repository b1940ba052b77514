/** A breach that is known and reported: the search goes on past it. Each has a failing test in known-defects.test.ts; when that one passes, its entry goes. */
export interface KnownDefect {
  readonly violation: RegExp
  readonly why: string
}

export const knownDefects: readonly KnownDefect[] = [
  {
    violation: /^\d certificates of the (?:root|issuingCa) were issued$/,
    why: 'a first start that dies twice, the second time after a commit, issues a CA certificate again',
  },
  {
    violation: /^CRL \d+ was asked for after the revocation of /,
    why: "the stored CRL is read before the cursor that says up to where it is current, and another process's newer CRL moves the cursor in between",
  },
]

export function isKnown(violation: string): boolean {
  return knownDefects.some(defect => defect.violation.test(violation))
}
